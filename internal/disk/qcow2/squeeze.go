package qcow2

import (
	"errors"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"assay/internal/span"
)

// squeezed is a window's clusters, compressed. The buffers and the encoders
// stay when it is used again.
type squeezed struct {
	b        []byte // the compressed bytes, one cluster behind the other
	clusters []squeezedCluster

	deflate *flate.Writer
	zstd    *zstd.Encoder
	last    []byte // the cluster at the disk's end, filled up with zeros
}

// A squeezedCluster is one cluster of the window.
type squeezedCluster struct {
	in       int64 // offset in the window
	from, to int64 // its bytes in b
	raw      bool  // it does not get smaller: there are none
}

// squeeze compresses the clusters of b that lie in runs.
func (s *squeezed) squeeze(b []byte, runs []span.Span, useZstd bool) error {
	if err := s.ready(useZstd); err != nil {
		return err
	}
	s.b, s.clusters = s.b[:0], s.clusters[:0]
	for _, r := range runs {
		for in := r.Off; in < r.End(); in += outCluster {
			cluster := b[in:min(in+outCluster, r.End())]
			if len(cluster) < outCluster {
				s.last = append(s.last[:0], cluster...)
				s.last = append(s.last, make([]byte, outCluster-len(cluster))...)
				cluster = s.last
			}
			c := squeezedCluster{in: in, from: int64(len(s.b))}
			if useZstd {
				s.b = s.zstd.EncodeAll(cluster, s.b)
			} else if err := s.deflateOnto(cluster); err != nil {
				return err
			}
			c.to = int64(len(s.b))
			if c.to-c.from >= outCluster {
				s.b, c.to, c.raw = s.b[:c.from], c.from, true
			}
			s.clusters = append(s.clusters, c)
		}
	}
	return nil
}

// ready makes the encoder. Both are at their fastest: what a disk holds gets
// little smaller with more effort.
func (s *squeezed) ready(useZstd bool) (err error) {
	switch {
	case useZstd && s.zstd == nil:
		// One frame a cluster with its size in front, without a checksum, as
		// the cluster is all that a reader knows.
		s.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithWindowSize(outCluster), zstd.WithLowerEncoderMem(true))
	case !useZstd && s.deflate == nil:
		s.deflate, err = flate.NewWriter(nil, flate.BestSpeed)
	}
	return err
}

var errTooLong = errors.New("longer than a cluster")

// limited appends to a buffer what is written, up to the length of a cluster.
type limited struct {
	s    *squeezed
	from int
}

func (l limited) Write(p []byte) (int, error) {
	if len(l.s.b)-l.from+len(p) >= outCluster {
		return 0, errTooLong
	}
	l.s.b = append(l.s.b, p...)
	return len(p), nil
}

// deflateOnto appends a raw deflate stream (RFC 1951), or a whole cluster of
// anything when it does not get shorter than that.
func (s *squeezed) deflateOnto(cluster []byte) error {
	from := len(s.b)
	s.deflate.Reset(limited{s, from})
	_, err := s.deflate.Write(cluster)
	if err == nil {
		err = s.deflate.Close()
	}
	if errors.Is(err, errTooLong) {
		s.b = append(s.b[:from], cluster...)
		return nil
	}
	return err
}
