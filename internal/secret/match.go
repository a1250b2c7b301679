package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"assay/finding"
	"assay/internal/artefact/crypt"
	"assay/internal/artefact/sshkey"
	"assay/internal/standin"
)

// token returns the range of keyword and body at the keyword, and whether it
// stands alone and is of the rule's shape.
func (r *rule) token(v *view) (from, to int, ok bool) {
	from = v.at
	if from > 0 && sets["word"][v.b[from-1]] {
		return 0, 0, false
	}
	to = from + len(v.word.text)
	n := r.body.run(v.b[to:min(len(v.b), to+r.body.max+1)])
	for n > 0 && (v.b[to+n-1] == '.' || v.b[to+n-1] == '-') { // the end of a sentence, not of a token
		n--
	}
	if n < r.body.min || n > r.body.max {
		return 0, 0, false
	}
	return from, to + n, true
}

// matchToken takes a prefix and its body.
func matchToken(r *rule, v *view) {
	from, to, ok := r.token(v)
	if !ok || !v.nearby(r.near) {
		return
	}
	if body := v.b[from+len(v.word.text) : to]; r.gate != anyway && (placeholder(body) || placeholder(v.b[from:to]) || entropy(body) < 2.2 || straight(body)) {
		return
	}
	v.run.add(r, v, from, to, verdict{})
}

// straight reports whether v only counts: "ABCDEFGH…", "01234567…".
func straight(v []byte) bool {
	steps := 0
	for i := 1; i < len(v); i++ {
		if d := int(v[i]) - int(v[i-1]); d == 1 || d == 0 || d == -1 {
			steps++
		}
	}
	return steps*3 > len(v)*2
}

// nearby reports whether one of the words, in lower case, stands within a
// kilobyte of the keyword. No words, no condition.
func (v *view) nearby(words []string) bool {
	if len(words) == 0 {
		return true
	}
	low := bytes.ToLower(v.b[max(v.at-1024, 0):min(v.at+1024, len(v.b))])
	for _, w := range words {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return false
}

var alone = finding.T("the id alone, its secret is not near", "仅有 ID，附近没有对应的密钥")

// matchPair takes an id and the secret that stands within some lines of it.
func matchPair(r *rule, v *view) {
	from, to, ok := r.token(v)
	if !ok {
		return
	}
	id := v.b[from:to]
	if placeholder(id) || placeholder(id[len(v.word.text):]) || entropy(id) < 2.5 || straight(id[len(v.word.text):]) {
		return
	}
	if s, e, ok := r.findPartner(v, from, to); ok {
		v.run.add(r, v, s, e, verdict{id: string(id), reason: finding.Tf("a secret of the right form within %d lines of the id", "在 ID 的 %d 行之内有格式相符的密钥", r.lines)})
		return
	}
	if mixOf(id[len(v.word.text):]).digit > 0 {
		v.run.add(r, v, from, to, verdict{id: string(id), confidence: min(r.confidence, 60), reason: alone})
	}
}

// findPartner looks for a run of the partner's shape in the lines around
// v.b[from:to]: the nearest, where one after a word for "secret" is nearer
// than all others.
func (r *rule) findPartner(v *view, from, to int) (start, end int, ok bool) {
	lo, hi := from, to
	for n := 0; lo > max(from-back, 0) && n <= r.lines; lo-- {
		if v.b[lo-1] == '\n' {
			n++
		}
	}
	for n := 0; hi < min(to+back, len(v.b)) && n <= r.lines; hi++ {
		if v.b[hi] == '\n' {
			n++
		}
	}
	best := 1 << 30
	for i := lo; i < hi; i++ {
		if !r.partner.set[v.b[i]] {
			continue
		}
		n := r.partner.run(v.b[i:hi])
		s, e := i, i+n
		i = e
		for s < e && v.b[s] == '=' { // base 64 ends in "=", a name ends before it
			s++
		}
		if eq := bytes.LastIndexByte(bytes.TrimRight(v.b[s:e], "="), '='); eq >= 0 {
			s += eq + 1
		}
		if n = e - s; n < r.partner.min || n > r.partner.max || s < to && from < e || !random(v.b[s:e]) || placeholder(v.b[s:e]) || straight(v.b[s:e]) {
			continue
		}
		far := max(from-e, s-to)
		head := bytes.ToLower(v.b[max(s-48, 0):s])
		if nl := bytes.LastIndexByte(head, '\n'); nl >= 0 && !bytes.Contains(head[nl:], []byte("value")) {
			head = head[nl:]
		}
		if !bytes.Contains(head, []byte("secret")) && !bytes.Contains(head, []byte("sk")) {
			far += 2 * back
		}
		if far < best {
			best, start, end = far, s, e
		}
	}
	return start, end, best < 1<<30
}

// matchRegexp runs the pattern over the bytes around the keyword and takes
// the matches that hold it.
func matchRegexp(r *rule, v *view) {
	lo, hi := max(v.at-r.before, 0), min(v.at+r.after, len(v.b))
	w := v.b[lo:hi]
	for at := 0; at <= v.at-lo; {
		m := r.pattern.FindSubmatchIndex(w[at:])
		if m == nil || at+m[0] > v.at-lo {
			return
		}
		if at+m[1] > v.at-lo {
			r.take(v, lo+at, m)
			return
		}
		at += max(m[1], 1)
	}
}

// take makes a candidate of a match whose indices count from v.b[lo:].
func (r *rule) take(v *view, lo int, m []int) {
	s, e := -1, -1
	for _, g := range r.secretGroups {
		if m[2*g] >= 0 {
			s, e = m[2*g], m[2*g+1]
		}
	}
	if s < 0 || !v.nearby(r.near) {
		return
	}
	d := verdict{}
	if !r.worth(v, v.b[lo+s:lo+e], &d) {
		return
	}
	if r.notAfter != "" && bytes.HasSuffix(bytes.TrimRight(v.b[max(lo+s-16, 0):lo+s], " \t\r\n"), []byte(r.notAfter)) {
		return
	}
	if g := r.idGroup; g > 0 && m[2*g] >= 0 {
		d.id = string(v.b[lo+m[2*g] : lo+m[2*g+1]])
	}
	v.run.add(r, v, lo+s, lo+e, d)
}

// worth judges a captured value. Where the rule takes words for a secret as
// well, they count for little, and in programs only in those that test.
func (r *rule) worth(v *view, val []byte, d *verdict) bool {
	g, place := r.gate.grade(val), &v.run.place
	if r.weak && g == standin.Real && place.form == source && speaks(val, mixOf(val)) {
		g = standin.Word
	}
	switch {
	case g == standin.None || g < standin.Real && !r.weak:
		return false
	case r.weak && place.form == source && v.inComment(): // explains the call, or is one taken out
		d.confidence = max(r.confidence-40, 5)
		return true
	case g == standin.Real && (!r.weak || place.tests || place.form != source || !plainName(val)):
		return true
	case place.tests:
		d.confidence, d.reason = weakWorth, whyTest
		return true
	case g == standin.Lazy && literalForm(place.form) && !v.inComment():
		d.confidence, d.reason = weakWorth, whyWeak
		return true
	}
	return false
}

// plainName reports whether a value is written as programs write names: in
// words, or in capitals.
func plainName(val []byte) bool {
	m := mixOf(val)
	return allIn(val, keyChar) && (m.digit == 0 || m.lower == 0)
}

// matchLine runs the pattern over one line of a file of a known name.
func matchLine(r *rule, v *view) {
	if len(v.b) > lineAhead {
		v.b = v.b[:lineAhead]
	}
	if m := r.pattern.FindSubmatchIndex(v.b); m != nil {
		r.take(v, 0, m)
	}
}

// matchCrypt takes the crypt(3) string that begins inside the keyword.
func matchCrypt(r *rule, v *view) {
	crypt.Find(v.b[v.at:min(v.at+400, len(v.b))], func(off int, h crypt.Hash) bool {
		if off < len(v.word.text) {
			v.run.add(r, v, v.at+off, v.at+off+len(h.Text()), verdict{reason: finding.Tf("a %s hash", "%s 哈希", string(h.Scheme))})
		}
		return false
	})
}

const beginBase64 = "LS0tLS1CRUdJTi"

// matchKey takes a private key in any armour, also one that is in base 64 as a
// whole, as kubeconfig and Kubernetes secrets have it.
func matchKey(r *rule, v *view) {
	b := v.b[v.at:]
	if v.word.text == beginBase64 {
		if v.at > 0 && sets["base64"][v.b[v.at-1]] && v.b[v.at-1] != '=' { // inside other base 64
			return
		}
		n := shape{set: sets["base64"]}.run(b)
		text := bytes.TrimRight(b[:n], "=")
		plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
		m, _ := base64.RawStdEncoding.Decode(plain, text)
		sshkey.Private(plain[:m], func(k sshkey.PrivateKey) bool {
			v.run.add(r, v, v.at, v.at+n, keyVerdict(k))
			return false
		})
		return
	}
	if strings.Contains(v.word.text, "BEGIN") && !bytes.Contains(b[:min(len(b), 64)], []byte("PRIVATE KEY")) && !bytes.Contains(b[:min(len(b), 64)], []byte("SSH2 ENCRYPTED")) {
		return
	}
	sshkey.Private(b, func(k sshkey.PrivateKey) bool {
		if k.Offset == 0 {
			v.run.add(r, v, v.at, v.at+k.Len, keyVerdict(k))
		}
		return false
	})
}

func keyVerdict(k sshkey.PrivateKey) (d verdict) {
	d.encrypted = k.Encrypted
	kind := k.Kind
	if kind != "" {
		kind += " "
	}
	d.reason = finding.Tf("a whole %skey (%s)", "完整的 %s私钥（%s）", kind, string(k.Format))
	if k.Cut {
		d.confidence = 70
		d.reason = finding.Tf("the beginning of a %skey (%s)", "%s私钥的开头部分（%s）", kind, string(k.Format))
	}
	if k.Encrypted {
		d.reason = finding.T(d.reason.EN+", protected by a passphrase", d.reason.ZH+"，有口令保护")
	}
	if k.Public != nil {
		d.id = k.Public.Fingerprint
	}
	return d
}

// parseMagic reads hexadecimal digits, two a byte; "??" is any byte.
func parseMagic(text string) (out []int16, err error) {
	for _, f := range strings.Fields(text) {
		if f == "??" {
			out = append(out, -1)
			continue
		}
		b, err := hex.DecodeString(f)
		if err != nil {
			return nil, fmt.Errorf("magic %q: %w", text, err)
		}
		for _, c := range b {
			out = append(out, int16(c))
		}
	}
	return out, nil
}

// matchMagic takes a stream that begins with one of the rule's patterns; what
// counts as the secret is what the window holds of it.
func matchMagic(r *rule, v *view) {
	if v.run.wide != 0 || len(r.files) > 0 && !r.inFile(v.run.place.name, v.run.src.Path) {
		return
	}
	for _, m := range r.magic {
		ok := len(v.b) >= len(m)
		for i := 0; ok && i < len(m); i++ {
			ok = m[i] < 0 || byte(m[i]) == v.b[i]
		}
		if ok {
			v.run.add(r, v, 0, len(v.b), verdict{})
			return
		}
	}
}
