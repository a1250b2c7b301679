package fsys

// A Stream is one named stream of a file: more content beside its own, under
// a name after the file's (NTFS, "report.docx:Zone.Identifier").
type Stream struct {
	Name  string // without a colon; never ""
	Size  int64
	Flags Flags
}

// A Streamer is an FS whose files and directories can have named streams.
type Streamer interface {
	// Streams lists the named streams of a node, sorted by name.
	Streams(Node) ([]Stream, error)
	// OpenStream opens one by name, as it is spelled or else folded as names
	// of files are; ErrNotExist if there is none.
	OpenStream(n Node, name string) (File, error)
	// StreamExtents is Extents for a named stream.
	StreamExtents(n Node, name string) ([]Extent, error)
}

// A StreamEditor is an Editor that can blank named streams.
type StreamEditor interface {
	// BlankStream makes the named stream of n empty, as Blank does a file.
	BlankStream(n Node, name string) error
}

// A Folder is an FS that finds names in spite of a difference in case: two
// names in one directory mean the same file when they fold to the same. Tree
// looks a name up as it is spelled first, then folded.
type Folder interface {
	Fold(name string) string
}
