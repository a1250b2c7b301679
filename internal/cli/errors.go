package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// Exit codes: a contract with scripts.
const (
	ExitClean       = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitFindings    = 3
	ExitGaps        = 4
	ExitInterrupted = 130
)

// An Error is for a person: what happened, where, and what to do next.
type Error struct {
	Code int          // exit code
	What finding.Text // what happened, with its place
	Hint finding.Text // the next step; may be empty
	Err  error        // the technical cause, shown after What; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.What.EN + ": " + e.Err.Error()
	}
	return e.What.EN
}

func (e *Error) Unwrap() error { return e.Err }

// Usage is an error in how the command was called.
func Usage(what, hint finding.Text) *Error { return &Error{Code: ExitUsage, What: what, Hint: hint} }

// OpenError explains why a file of the host cannot be opened.
func OpenError(name string, err error) *Error {
	e := &Error{Code: ExitFailed, What: finding.Tf("cannot open %s", "无法打开 %s", report.Printable(name)), Err: reason(err)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Hint = finding.T("check the spelling; a relative path starts at the current folder", "请检查拼写；相对路径从当前目录开始")
		e.Code = ExitUsage
	case errors.Is(err, fs.ErrPermission):
		e.Hint = finding.T("run assay as a user who may read it: it never writes to an image", "请使用有读权限的用户运行；assay 不会写入镜像")
	}
	return e
}

// reason is the innermost cause: the path stands in What already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Explain writes an error for people to w and returns the exit code.
func Explain(w *os.File, lang string, st Style, err error) int {
	if errors.Is(err, context.Canceled) {
		say(w, st.Yellow(finding.T("interrupted; nothing was changed", "已中断，未做任何更改").In(lang)))
		return ExitInterrupted
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: ExitFailed, What: finding.T(err.Error(), err.Error())}
	}
	line := e.What.In(lang)
	if e.Err != nil {
		line += ": " + report.Printable(e.Err.Error())
	}
	say(w, st.BoldRed("assay: ")+line)
	if h := e.Hint.In(lang); h != "" {
		say(w, st.Dim("  → ")+h)
	}
	return e.Code
}

func say(w *os.File, line string) { _, _ = w.WriteString(strings.TrimRight(line, "\n") + "\n") }
