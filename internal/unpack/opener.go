package unpack

// opener is what opens a format, nil where nothing does.
func opener(f Format) func(*walker, *source) error {
	switch f {
	case Gzip:
		return openGzip
	case Bzip2:
		return openBzip2
	case XZ:
		return openXZ
	case LZMA:
		return openLZMA
	case Zstd:
		return openZstd
	case LZ4:
		return openLZ4
	case Cpio:
		return openCpio
	case Ar:
		return openAr
	case RPM:
		return openRPM
	case SQLite:
		return openSQLite
	case SystemdJournal:
		return openJournal
	case Zip:
		return openZip
	case Tar:
		return openTar
	}
	return nil
}
