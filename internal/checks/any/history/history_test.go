package history

import (
	"testing"

	"assay/internal/checktest"
)

func Test(t *testing.T) { checktest.Run(t, All) }
