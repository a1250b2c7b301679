package guest

func (g *Guest) readRPM(p *Packages) bool { return false }
