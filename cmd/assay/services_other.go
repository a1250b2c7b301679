//go:build !linux

package main

import "assay/internal/report"

// settle does nothing: only Linux machines are cleaned while they run.
func settle() []report.Action { return nil }

func (a *app) shells() {}
