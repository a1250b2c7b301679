package unpack

// opener is what opens a format, nil where nothing does.
func opener(f Format) func(*walker, *source) error {
	switch f {
	case Gzip:
		return openGzip
	case Zip:
		return openZip
	case Tar:
		return openTar
	}
	return nil
}
