package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A GapKind names a reason why something was not looked at. Gaps are accepted
// by kind and place, so kinds are a contract.
type GapKind string

// The kinds of gaps.
const (
	GapEncrypted   GapKind = "encrypted"      // LUKS, BitLocker, encrypted image or file
	GapUnsupported GapKind = "unsupported"    // recognised, but assay cannot read it
	GapUnknown     GapKind = "unknown-volume" // nobody recognised it and it is not empty
	GapCorrupt     GapKind = "corrupt"        // mine, but broken: the offset is in Detail
	GapUnreadable  GapKind = "unreadable"     // permission, I/O
	GapLimit       GapKind = "limit"          // over a bound of size, count, depth or time
	GapJournal     GapKind = "journal"        // a dirty log that could not be replayed
	GapMissing     GapKind = "missing-device" // a disk or volume of this machine that was not given
	GapCheck       GapKind = "check-failed"   // a check could not do its work
	GapChanged     GapKind = "changed"        // somebody wrote to it meanwhile
	GapSkipped     GapKind = "skipped"        // left out because the user asked for it
	GapScope       GapKind = "scope"          // beyond what a probe of a running machine brings: says what Clean speaks of
)

var gapTitles = map[GapKind]Text{
	GapEncrypted:   T("Encrypted, not inspected", "已加密，未检查"),
	GapUnsupported: T("Recognised but not supported, not inspected", "能够识别但不支持，未检查"),
	GapUnknown:     T("Content not recognised, not inspected", "无法识别内容，未检查"),
	GapCorrupt:     T("Damaged, only partly inspected", "数据损坏，仅部分检查"),
	GapUnreadable:  T("Could not be read", "无法读取"),
	GapLimit:       T("Over a limit, only partly inspected", "超出限制，仅部分检查"),
	GapJournal:     T("Unfinished writes in the log could not be replayed", "日志中未完成的写入无法重放"),
	GapMissing:     T("Belongs to this machine but was not given", "属于本机但未提供"),
	GapCheck:       T("A check could not do its work", "某项检查未能完成"),
	GapChanged:     T("Was written to while it was inspected", "检查过程中被写入"),
	GapSkipped:     T("Left out on request", "按要求跳过"),
	GapScope:       T("Not part of this kind of inspection", "不属于此类检查的范围"),
}

// A Gap is what was not looked at, and why. A gap is never silence.
type Gap struct {
	ID     string  `json:"id"`
	Kind   GapKind `json:"kind"`
	Title  Text    `json:"title"`
	Where  Where   `json:"where"`
	Detail string  `json:"detail,omitempty"` // technical reason, in English, with offsets
	Check  string  `json:"check,omitempty"`

	Accepted *Acceptance `json:"accepted,omitempty"`
}

// NewGap makes a gap with its title and ID filled.
func NewGap(kind GapKind, where Where, format string, args ...any) Gap {
	g := Gap{Kind: kind, Title: gapTitles[kind], Where: where, Detail: fmt.Sprintf(format, args...)}
	g.Identify()
	return g
}

// Identify fills ID from kind, place and check.
func (g *Gap) Identify() {
	h := sha256.New()
	for _, s := range []string{string(g.Kind), g.Where.Volume, g.Where.Path, g.Check} {
		fmt.Fprintf(h, "%d:%s\n", len(s), s)
	}
	g.ID = hex.EncodeToString(h.Sum(nil)[:8])
}
