package disk

import "assay/internal/disk/image"

// An Image is a disk's bytes as the machine sees them; its contract is written
// at image.Image, which the format packages implement.
type Image = image.Image

// Info is what an image file tells of itself.
type Info = image.Info
