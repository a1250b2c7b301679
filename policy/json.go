package policy

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a document. The service takes 6,144 characters at most; what is far
// above is no policy and is refused before work is spent on it.
const (
	MaxBytes      = 1 << 20
	MaxStatements = 1000
	maxDepth      = 16
	maxProblems   = 100
)

// A kind is the type of a JSON value.
type kind byte

const (
	object  kind = '{'
	array   kind = '['
	str     kind = '"'
	literal kind = 'l' // number, true, false; null
)

// A node is a JSON value that knows where it begins.
type node struct {
	kind kind
	off  int
	text string // of a string or literal
	keys []node // of an object, beside vals
	vals []node // of an object or array
}

// A reader is a strict JSON parser (RFC 8259) that reports positions, refuses
// duplicate keys, and says what to write instead of the usual slips.
type reader struct {
	src   string
	pos   int
	lines []int // offsets of line starts
	doc   string
}

func newReader(doc, src string) *reader {
	r := &reader{src: src, doc: doc, lines: []int{0}}
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	return r
}

// at converts an offset to a position.
func (r *reader) at(off int) Pos {
	n, found := slices.BinarySearch(r.lines, off)
	if !found {
		n--
	}
	return Pos{Line: n + 1, Column: utf8.RuneCountInString(r.src[r.lines[n]:off]) + 1}
}

func (r *reader) fail(off int, code string, text, advice Text) *Problem {
	return &Problem{Code: code, Level: Error, Doc: r.doc, Pos: r.at(min(off, len(r.src))), Text: text, Advice: advice}
}

// document reads the whole source as one value.
func (r *reader) document() (node, *Problem) {
	if p := r.acceptable(); p != nil {
		return node{}, p
	}
	v, p := r.value(0)
	if p != nil {
		return node{}, p
	}
	if p := r.space(); p != nil {
		return node{}, p
	}
	if r.pos < len(r.src) {
		return node{}, r.fail(r.pos, "json", tf("there is more after the document's end", "文档结束后还有内容"),
			tf("keep one document in a file", "一个文件只保留一个文档"))
	}
	return v, nil
}

// acceptable refuses what is not worth reading.
func (r *reader) acceptable() *Problem {
	switch {
	case len(r.src) > MaxBytes:
		return r.fail(MaxBytes, "too-large", tf("the document has %d bytes, %d is the most that is read", "文档有 %d 字节，最多读取 %d 字节", len(r.src), MaxBytes),
			tf("the service takes 6,144 characters: split the policy", "服务最多接受 6144 个字符：请拆分策略"))
	case strings.HasPrefix(r.src, "\ufeff"):
		return r.fail(0, "bom", tf("the file begins with a byte order mark", "文件以字节顺序标记（BOM）开头"),
			tf("save it as UTF-8 without BOM", "请保存为不带 BOM 的 UTF-8"))
	case !utf8.ValidString(r.src):
		off := 0
		for off < len(r.src) {
			c, n := utf8.DecodeRuneInString(r.src[off:])
			if c == utf8.RuneError && n == 1 {
				break
			}
			off += n
		}
		return r.fail(off, "utf8", tf("byte %#02x is not valid UTF-8", "字节 %#02x 不是有效的 UTF-8", r.src[off]), tf("save the file as UTF-8", "请将文件保存为 UTF-8"))
	}
	return nil
}

// space skips white space, and names comments.
func (r *reader) space() *Problem {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		case '/', '#':
			return r.fail(r.pos, "comment", tf("JSON has no comments", "JSON 不支持注释"), tf("remove the comment; the policy's description can hold it", "请删除注释，可写入策略的描述"))
		default:
			return nil
		}
	}
	return nil
}

func (r *reader) value(depth int) (node, *Problem) {
	if p := r.space(); p != nil {
		return node{}, p
	}
	if depth > maxDepth {
		return node{}, r.fail(r.pos, "too-deep", tf("nested more than %d levels deep", "嵌套超过 %d 层", maxDepth), tf("a policy needs 5 levels", "策略只需要 5 层"))
	}
	if r.pos >= len(r.src) {
		return node{}, r.fail(r.pos, "json", tf("the document ends in the middle", "文档不完整"), tf("close every { and [", "请补全所有的 } 和 ]"))
	}
	switch c := r.src[r.pos]; {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return r.literal()
	}
	return node{}, r.unexpected()
}

// unexpected explains a character that begins nothing.
func (r *reader) unexpected() *Problem {
	c, _ := utf8.DecodeRuneInString(r.src[r.pos:])
	switch c {
	case '\'', '“', '”', '‘', '’', '`':
		return r.fail(r.pos, "quotes", tf("%q does not begin a string", "%q 不能作为字符串的开头", c), tf(`write plain double quotes: "…"`, `请使用英文双引号："…"`))
	case ',', ':':
		return r.fail(r.pos, "json", tf("a value is missing before %q", "%q 前缺少值", c), tf("remove it, or write the value", "请删除或补上值"))
	case '\uff0c', '\uff1a':
		return r.fail(r.pos, "json", tf("%q is a full-width character", "%q 是全角字符", c), tf("write the ASCII one", "请使用半角字符"))
	case ']', '}':
		return r.fail(r.pos, "trailing-comma", tf("a value is missing before %q", "%q 前缺少值", c), tf("remove the comma before it", "请删除它前面的逗号"))
	}
	return r.fail(r.pos, "json", tf("unexpected %q", "意外的字符 %q", c), tf("write a JSON value", "请写 JSON 值"))
}

// next skips space and returns the next byte, 0 at the end.
func (r *reader) next() (byte, *Problem) {
	if p := r.space(); p != nil {
		return 0, p
	}
	if r.pos >= len(r.src) {
		return 0, r.fail(r.pos, "json", tf("the document ends in the middle", "文档不完整"), tf("close every { and [", "请补全所有的 } 和 ]"))
	}
	return r.src[r.pos], nil
}

func (r *reader) object(depth int) (node, *Problem) {
	n := node{kind: object, off: r.pos}
	seen := map[string]int{}
	r.pos++
	for {
		c, p := r.next()
		if p != nil {
			return n, p
		}
		if c == '}' && len(n.keys) == 0 {
			r.pos++
			return n, nil
		}
		if c != '"' {
			return n, r.unexpected()
		}
		k, p := r.str()
		if p != nil {
			return n, p
		}
		if first, ok := seen[k.text]; ok {
			return n, r.fail(k.off, "duplicate-key", tf("%q is already at line %d: which one counts is undefined", "%q 已出现在第 %d 行，以哪个为准没有定义", k.text, r.at(first).Line),
				tf("keep one; values of one key go into one list", "只保留一个；同一个键的多个值写成一个列表"))
		}
		seen[k.text] = k.off
		if c, p = r.next(); p != nil {
			return n, p
		}
		if c != ':' {
			return n, r.fail(r.pos, "json", tf("a colon is missing after %q", "%q 后缺少冒号", k.text), tf(`write "key": value`, `请写成 "键": 值`))
		}
		r.pos++
		v, p := r.value(depth + 1)
		if p != nil {
			return n, p
		}
		n.keys, n.vals = append(n.keys, k), append(n.vals, v)
		if done, p := r.comma('}'); done || p != nil {
			return n, p
		}
	}
}

func (r *reader) array(depth int) (node, *Problem) {
	n := node{kind: array, off: r.pos}
	r.pos++
	if c, p := r.next(); p != nil || c == ']' {
		r.pos++
		return n, p
	}
	for {
		v, p := r.value(depth + 1)
		if p != nil {
			return n, p
		}
		n.vals = append(n.vals, v)
		if done, p := r.comma(']'); done || p != nil {
			return n, p
		}
	}
}

// comma reads what follows a member: a comma, or the end.
func (r *reader) comma(end byte) (done bool, p *Problem) {
	c, p := r.next()
	switch {
	case p != nil:
		return false, p
	case c == end:
		r.pos++
		return true, nil
	case c == ',':
		at := r.pos
		r.pos++
		if c, p = r.next(); p == nil && c == end {
			p = r.fail(at, "trailing-comma", tf("a comma before %q", "%q 前多了一个逗号", string(end)), tf("remove the comma", "请删除该逗号"))
		}
		return false, p
	}
	return false, r.fail(r.pos, "json", tf("a comma or %q is missing here", "此处缺少逗号或 %q", string(end)), tf("separate values by commas", "值之间用逗号分隔"))
}

func (r *reader) literal() (node, *Problem) {
	start := r.pos
	for r.pos < len(r.src) && strings.IndexByte(" \t\r\n,:]}/#\"{[", r.src[r.pos]) < 0 {
		r.pos++
	}
	word := r.src[start:r.pos]
	switch word {
	case "true", "false", "null":
		return node{kind: literal, off: start, text: word}, nil
	}
	if number(word) {
		return node{kind: literal, off: start, text: word}, nil
	}
	return node{}, r.fail(start, "quotes", tf("%.40q is no JSON value", "%.40q 不是 JSON 值", word), tf(`write strings in double quotes: "…"`, `字符串请加英文双引号："…"`))
}

// number reports whether s is a number of JSON.
func number(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return false
	}
	if strings.Trim(digits, "0123456789.eE+-") != "" {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && !strings.HasSuffix(s, ".") && !strings.Contains(s, ".e") && !strings.Contains(s, ".E")
}

func (r *reader) str() (node, *Problem) {
	n := node{kind: str, off: r.pos}
	r.pos++
	start := r.pos
	for r.pos < len(r.src) && r.src[r.pos] != '"' && r.src[r.pos] != '\\' && r.src[r.pos] >= 0x20 {
		r.pos++
	}
	if r.pos < len(r.src) && r.src[r.pos] == '"' {
		n.text = r.src[start:r.pos]
		r.pos++
		return n, nil
	}
	var b strings.Builder
	b.WriteString(r.src[start:r.pos])
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; {
		case c == '"':
			r.pos++
			n.text = b.String()
			return n, nil
		case c < 0x20:
			return n, r.fail(r.pos, "json", tf("the string does not end on its line", "字符串未在行内结束"), tf(`close it with a double quote`, `请用英文双引号结束`))
		case c == '\\':
			if p := r.escape(&b); p != nil {
				return n, p
			}
		default:
			b.WriteByte(c)
			r.pos++
		}
	}
	return n, r.fail(n.off, "json", tf("the string does not end", "字符串没有结束"), tf("close it with a double quote", "请用英文双引号结束"))
}

// escape reads a backslash and what it stands for.
func (r *reader) escape(b *strings.Builder) *Problem {
	at := r.pos
	r.pos += 2
	if r.pos > len(r.src) {
		return r.fail(at, "json", tf("the string does not end", "字符串没有结束"), Text{})
	}
	if c := r.src[r.pos-1]; c != 'u' {
		i := strings.IndexByte(`"\/bfnrt`, c)
		if i < 0 {
			return r.fail(at, "escape", tf(`\%c is no escape of JSON`, `\%c 不是 JSON 转义`, c), tf(`write \\ for a backslash`, `反斜杠请写成 \\`))
		}
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return nil
	}
	c, ok := r.hex()
	if ok && utf16.IsSurrogate(c) {
		ok = strings.HasPrefix(r.src[r.pos:], `\u`)
		r.pos += 2
		var low rune
		if ok {
			low, ok = r.hex()
			c = utf16.DecodeRune(c, low)
			ok = ok && c != utf8.RuneError
		}
	}
	if !ok {
		return r.fail(at, "escape", tf(`\u is not followed by a character's code`, `\u 后不是有效的字符编码`), tf("write the character itself", "请直接写该字符"))
	}
	b.WriteRune(c)
	return nil
}

// hex reads four hexadecimal digits.
func (r *reader) hex() (rune, bool) {
	if r.pos+4 > len(r.src) {
		return 0, false
	}
	n, err := strconv.ParseUint(r.src[r.pos:r.pos+4], 16, 32)
	if err != nil {
		return 0, false
	}
	r.pos += 4
	return rune(n), true
}
