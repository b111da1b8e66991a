//go:build !windows

package desktop

// SystemProxy returns none: here the environment names the proxy.
func SystemProxy() Proxy { return Proxy{} }
