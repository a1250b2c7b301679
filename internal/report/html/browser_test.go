package html

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"assay/internal/need"
	"assay/internal/report/reporttest"
)

// browse opens a page, given its text and what follows # in its address, in a
// browser without a window. It returns the document after its script ran, and
// what the browser wrote on its console.
func browse(t *testing.T, page, hash string, flags ...string) (dom, console string) {
	t.Helper()
	tool := need.Tool(t, "chromium")
	name := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(name, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(), "--enable-logging=stderr", "--dump-dom"}, flags...)
	c := exec.CommandContext(ctx, tool, append(args, "file://"+name+"#"+hash)...)
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	for _, l := range strings.Split(log.String(), "\n") {
		if strings.Contains(l, "CONSOLE") {
			console += l + "\n"
		}
	}
	return out.String(), console
}

// shown counts the findings that a document does not hide.
func shown(dom string) int {
	return len(regexp.MustCompile(`<details class="f" [^>]*>`).FindAllString(dom, -1)) -
		len(regexp.MustCompile(`<details class="f" [^>]*hidden=""[^>]*>`).FindAllString(dom, -1))
}

// TestBrowser opens the page of a hostile stream in a real browser.
func TestBrowser(t *testing.T) {
	t.Parallel()
	page := render(t, "en", append(reporttest.Stream(), hostileStream()...))
	dom, console := browse(t, page, "")
	if console != "" {
		t.Errorf("the browser complains:\n%s", console)
	}
	if n := strings.Count(dom, "<script"); n != 1 {
		t.Errorf("%d scripts in the document, want the page's own", n)
	}
	for _, tag := range []string{"<b>laptop", "<img", "<iframe", "<object", "<base"} {
		if strings.Contains(dom, tag) {
			t.Errorf("%s is in the document", tag)
		}
	}
	if !strings.Contains(dom, `class="filters" role="search">`) {
		t.Error("the script did not run: the filters are hidden")
	}
}

// TestBrowserRefuses shows that TestBrowser can fail: markup that got into the
// page is refused by its policy, and the console says so.
func TestBrowserRefuses(t *testing.T) {
	t.Parallel()
	page := render(t, "en", reporttest.Stream())
	page = strings.Replace(page, "<footer>", `<script>document.title="owned"</script><p onclick="alert(1)" style="color:red"></p><img src="https://example.com/x"><footer>`, 1)
	dom, console := browse(t, page, "")
	if strings.Contains(dom, "<title>owned") {
		t.Error("a strange script ran")
	}
	for _, directive := range []string{"script-src", "style-src", "img-src"} {
		if !strings.Contains(console, directive) {
			t.Errorf("no word of %s on the console:\n%s", directive, console)
		}
	}
}

func TestBrowserFilters(t *testing.T) {
	t.Parallel()
	page := render(t, "en", reporttest.Stream())
	dom, console := browse(t, page, "s=critical%2Chigh&q=KEY&a=hide&l=zh-CN")
	if console != "" {
		t.Errorf("the browser complains:\n%s", console)
	}
	if n := shown(dom); n != 3 {
		t.Errorf("%d findings are shown, want those 3 of the check of keys that are high or critical", n)
	}
	for _, want := range []string{`<html lang="zh-CN"`, "<title>assay：2 个目标，2 个未通过</title>", "显示 3 / 6 项", `value="critical" class="critical"><span`} {
		if !strings.Contains(dom, want) {
			t.Errorf("%s is not in the document", want)
		}
	}
	// A link to a finding opens it, and the box of accepted ones around it.
	accepted := reporttest.Findings()[3]
	dom, _ = browse(t, page, "t1-"+accepted.ID)
	if !regexp.MustCompile(`<details class="f" id="t1-`+accepted.ID+`"[^>]* open=""`).MatchString(dom) || !strings.Contains(dom, `<details class="accepted" open="">`) {
		t.Error("a link to an accepted finding does not open it")
	}
	if !strings.Contains(dom, `<button type="button" class="copy">`) {
		t.Error("an open finding has no button to copy its ID")
	}
}

// TestBrowserWithoutScript asks that the page is whole where no script runs:
// here because the policy does not know it.
func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	page := strings.Replace(render(t, "zh", reporttest.Stream()), "'use strict';", "'use strict' ;", 1)
	dom, console := browse(t, page, "s=critical")
	if !strings.Contains(console, "script-src") {
		t.Fatal("the script was not refused: this test shows nothing")
	}
	if n := shown(dom); n != len(reporttest.Findings()) {
		t.Errorf("%d findings are shown, want %d", n, len(reporttest.Findings()))
	}
	if !strings.Contains(dom, `<div class="filters" role="search" hidden="">`) || !strings.Contains(dom, `aria-label="Language / 语言" hidden="">`) {
		t.Error("controls that cannot work are shown")
	}
}
