package ntfs

import (
	"bytes"
	"io"

	"assay/internal/binread"
)

// A logState says whether Windows has finished with the volume, by the restart
// pages of $LogFile (struct RESTART_PAGE_HEADER, RESTART_AREA).
type logState struct {
	reason string // "" when it has
	at     int64  // of the page that says so
}

const (
	restartClean = 0x0002 // RESTART_VOLUME_IS_CLEAN
	noClient     = 0xFFFF // LOGFILE_NO_CLIENT
	maxLogPage   = 64 << 10
)

// readLog looks at both restart pages; the one with the higher LSN counts. A
// log that begins with 0xFF is empty: Windows and ntfs-3g make it so.
func (f *FS) readLog() logState {
	s, err := f.systemStream(recordLog, typeData, "")
	if err != nil {
		return logState{"$LogFile cannot be read: " + err.Error(), -1}
	}
	newest, state, found := uint64(0), logState{"$LogFile has no restart page", s.at}, false
	page := int64(4096)
	for i := range 2 {
		head, at, err := s.restartPage(int64(i) * page)
		if err != nil {
			continue
		}
		if head == nil {
			if i == 0 {
				return logState{}
			}
			continue
		}
		if i == 0 {
			page = int64(len(head))
		}
		lsn, reason := restartState(head)
		if !found || lsn > newest {
			newest, state, found = lsn, logState{reason, at}, true
		}
	}
	if state.reason == "" {
		state.at = 0
	}
	return state
}

// restartPage reads the restart page at off, nil if the place is empty.
func (s *stream) restartPage(off int64) ([]byte, int64, error) {
	at := s.at
	head := make([]byte, 512)
	if n, err := s.ReadAt(head, off); err != nil && (err != io.EOF || n < len(head)) {
		return nil, at, err
	}
	_ = s.f.pieces(s.runs, off, 1, s.at, func(p piece) error { at = p.at; return nil })
	if len(bytes.Trim(head[:4], "\xff")) == 0 {
		return nil, at, nil
	}
	size := int64(le.Uint32(head[0x10:]))
	magic := string(head[:4])
	if magic != "RSTR" && magic != "CHKD" || !power(size) || size < 512 || size > maxLogPage {
		return nil, at, binread.Errorf(format, at, "no restart page")
	}
	b := make([]byte, size)
	if n, err := s.ReadAt(b, off); err != nil && (err != io.EOF || n < len(b)) {
		return nil, at, err
	}
	return b, at, unprotect(b, magic, at)
}

// restartState reads one page: the LSN it was written with, and why the volume
// is not clean.
func restartState(b []byte) (lsn uint64, reason string) {
	area := int(le.Uint16(b[0x18:]))
	if area < 0x1E || area+0x30 > len(b) {
		return 0, "$LogFile has a damaged restart page"
	}
	lsn = le.Uint64(b[area:])
	client, flags := le.Uint16(b[area+0x0C:]), le.Uint16(b[area+0x0E:])
	switch {
	case le.Uint16(b[0x1C:]) == 2 && le.Uint16(b[0x1A:]) == 0: // version 2.0: ntfs-3g refuses it, too
		return lsn, "Windows was not shut down fully (fast startup or hibernation) and keeps part of the file system in memory"
	case client != noClient && flags&restartClean == 0:
		return lsn, "$LogFile holds writes that Windows has not finished"
	}
	return lsn, ""
}
