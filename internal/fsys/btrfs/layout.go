package btrfs

import (
	"cmp"
	"slices"

	"assay/internal/binread"
)

// format is the name in errors.
const format = "btrfs"

// Bounds that are not on disk.
const (
	nodeCacheBytes  = 32 << 20  // tree blocks kept
	plainCacheBytes = 8 << 20   // decompressed extents kept
	maxChunks       = 1 << 18   // 256 TiB of 1 GiB chunks
	maxSubvolumes   = 1<<16 - 1 // an index fits in the high 16 bits of a Node
	maxObjectid     = 1<<48 - 1 // an inode number fits in the low 48 bits of a Node
	maxPacked       = 1 << 20   // bytes of one compressed extent, in either form; Linux makes at most 128 KiB
	maxXattrBytes   = 16 << 20  // of one inode
	maxLinkTarget   = 64 << 10
	maxPathDepth    = 1024    // directories above a subvolume
	maxPathSteps    = 1 << 20 // directories looked at for the paths of all subvolumes
	maxPathBytes    = 64 << 10
	maxLogItems     = 1 << 17  // items of all log trees together, and of what they become
	maxLogSteps     = 1 << 22  // removed items stepped over while a log is replayed
	maxLogBytes     = 64 << 20 // what replaying them may keep
	maxFreeSpans    = 4 << 20
	maxCensusLeaves = 1 << 24 // leaves that the census of an editor visits, of all subvolumes together
)

// Object ids: btrfs_tree.h, BTRFS_*_OBJECTID.
const (
	rootTreeID       = 1
	extentTreeID     = 2
	chunkTreeID      = 3
	devTreeID        = 4
	fsTreeID         = 5
	csumTreeID       = 7
	blockGroupTreeID = 11
	logTreeID        = ^uint64(5) // -6
	treeRelocID      = ^uint64(7) // -8
	dataRelocTreeID  = ^uint64(8) // -9
	csumObjectid     = ^uint64(9) // -10
	firstFree        = 256        // the first inode number and the first subvolume id
	lastFree         = ^uint64(255)
	emptyDirID       = 2 // BTRFS_EMPTY_SUBVOL_DIR_OBJECTID
	devItemsObjectid = 1
)

// Key types: btrfs_tree.h, BTRFS_*_KEY.
const (
	inodeItemKey    = 1
	inodeRefKey     = 12
	inodeExtrefKey  = 13
	xattrItemKey    = 24
	dirLogIndexKey  = 72
	dirItemKey      = 84
	dirIndexKey     = 96
	extentDataKey   = 108
	extentCsumKey   = 128
	rootItemKey     = 132
	rootRefKey      = 156
	extentItemKey   = 168
	metadataItemKey = 169
	blockGroupKey   = 192
	devExtentKey    = 204
	chunkItemKey    = 228
)

// Block group profile bits: btrfs_tree.h, BTRFS_BLOCK_GROUP_*.
const (
	profileRAID0  = 1 << 3
	profileDUP    = 1 << 5
	profileRAID5  = 1 << 7
	profileRAID6  = 1 << 8
	profileMask   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<9 | 1<<10
	blockTypeMask = 1<<0 | 1<<1 | 1<<2
)

// Sizes of structures: btrfs_tree.h.
const (
	headerSize     = 101 // btrfs_header
	itemSize       = 25  // btrfs_item
	keyPtrSize     = 33  // btrfs_key_ptr
	keySize        = 17  // btrfs_disk_key
	chunkSize      = 48  // btrfs_chunk without stripes
	stripeSize     = 32  // btrfs_stripe
	inodeSize      = 160 // btrfs_inode_item
	dirItemSize    = 30  // btrfs_dir_item without name
	extentHeadSize = 21  // btrfs_file_extent_item up to disk_bytenr: inline data starts here
	extentSize     = 53  // btrfs_file_extent_item
	extentItemSize = 24  // btrfs_extent_item: refs, generation, flags
	oldRootSize    = 239 // btrfs_root_item before generation_v2
	stripeLen      = 64 << 10
	maxLevel       = 7
)

// A key is a btrfs_disk_key; trees are sorted by it.
type key struct {
	objectid uint64
	typ      uint8
	offset   uint64
}

var lastKey = key{^uint64(0), 255, ^uint64(0)}

func (k key) compare(o key) int {
	if c := cmp.Compare(k.objectid, o.objectid); c != 0 {
		return c
	}
	if c := cmp.Compare(k.typ, o.typ); c != 0 {
		return c
	}
	return cmp.Compare(k.offset, o.offset)
}

func (k key) less(o key) bool { return k.compare(o) < 0 }

// keyAt reads a btrfs_disk_key.
func keyAt(b *binread.Buf, off int) key {
	return key{b.LE64(off), b.U8(off + 8), b.LE64(off + 9)}
}

// An item is one entry of a leaf. Its data aliases the tree block.
type item struct {
	key  key
	data []byte
	leaf uint64 // logical address of the tree block that holds it
	at   int    // offset of data in the tree block
}

func (it item) buf() *binread.Buf { return &binread.Buf{B: it.data} }

// own gives it data of its own, so that its tree block can be forgotten.
func (it item) own() item {
	it.data = slices.Clone(it.data)
	return it
}
