package writing

// Network makes p look at these addresses of the machine.
func (p *Payer) Network(addresses func() string) { p.addresses = addresses }
