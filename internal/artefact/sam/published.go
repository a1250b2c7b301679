package sam

// published are passwords that images, tutorials and appliances are delivered
// with: whoever finds an account tries them first.
var published = []string{
	"vagrant", "packer", "Passw0rd!", "P@ssw0rd", "P@ssw0rd!", "P@ssword", "P@ssw0rd1", "P@ssw0rd123", "P@$$w0rd", "Passw0rd", "Password1", "Password1!",
	"Password123", "Password123!", "password", "Password", "pass@word1", "Pass@word1", "admin", "Admin", "Admin123", "Admin123!", "Admin@123", "admin@123",
	"admin123", "admin888", "administrator", "Administrator", "Administrator1", "123456", "12345678", "123456789", "1234567890", "111111", "888888", "000000", "123123",
	"654321", "666666", "1qaz2wsx", "1qaz@WSX", "1qaz!QAZ", "!QAZ2wsx", "qwe123", "qwe123!@#", "Qwe123!@#", "1q2w3e4r", "1q2w3e", "q1w2e3r4", "abc123", "abc@123", "Abc123",
	"Abc@123", "Abc123456", "Aa123456", "Aa123456!", "aA123456", "a123456", "qwerty", "Qwerty123", "letmein", "welcome", "Welcome1", "Welcome123", "changeme", "ChangeMe", "Changeme1!", "Changeme123!",
	"test", "Test123", "test123", "Test1234", "Test-1234!", "root", "root123", "Root@123", "Root123", "toor", "server", "Server2012", "Server@2016", "Server@2019",
	"windows", "Windows1", "guest", "user", "default", "secret", "Aliyun123", "Aliyun@123", "aliyun123", "Aliyun@2023", "Aliyun@2024", "Aliyun@2025", "Huawei@123", "Tencent@123", "Tencent123", "Cloud@123", "Cloud12#$",
	"sa", "sqlserver", "Sa123456", "iis", "oracle", "mysql", "ROOT#123", "IEUser", "Passw0rd123", "rootroot", "rapid7", "secure", "master", "monkey", "dragon",
}
