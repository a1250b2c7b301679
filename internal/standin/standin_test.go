package standin

import "testing"

func TestOf(t *testing.T) {
	for grade, list := range map[Grade][]string{
		None: {"", "ab", "changeme", "${PASSWORD}", "$PASSWORD", "{{ pw }}", "<password>", "%PW%", "@pw@", "xxxxxxxx", "********", "AKIAIOSFODNN7EXAMPLE", "ENC(abcdef)",
			"vault:secret/x", "/run/secrets/x", "your-password", "null", "TRUE", "example", "replace_me", "none", "${{ secrets.X }}", "`cat x`", "env:PW", "put your key here",
			"aaaaaaaa", "x-x-x-x-x", "__PASSWORD__", "密码"},
		Word: {"token", "my-token", "my_Password", "mysecret", "foobar", "fakepass2", "sampleToken"},
		Lazy: {"password", "Secret", "pwd", "PASS"},
		Real: {"Falcon_2019!", "Qwe123!@#", "root1234", "123456", "$ecret99!", "a$b$c9", "p@ss,w0rd", "My-q8Zr3TnVb7Xk", "LTAI5tQnKxGvW9J3mZ2c", "hunter2hunter2", "zhangwei@1987", "admin", "pässword9"},
	} {
		for _, v := range list {
			if got := Of([]byte(v)); got != grade {
				t.Errorf("%q: grade %d, want %d", v, got, grade)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { Of([]byte("Falcon_2019!Falcon_2019!")) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
