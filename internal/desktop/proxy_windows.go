package desktop

import "golang.org/x/sys/windows/registry"

// SystemProxy reads what the user's Internet settings say by now. Settings that
// cannot be read say nothing.
func SystemProxy() (p Proxy) {
	key, err := registry.OpenKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Internet Settings`, registry.QUERY_VALUE)
	if err != nil {
		return p
	}
	defer func() { _ = key.Close() }()
	if on, _, err := key.GetIntegerValue("ProxyEnable"); err == nil && on != 0 {
		p.Server, _, _ = key.GetStringValue("ProxyServer")
		p.Bypass, _, _ = key.GetStringValue("ProxyOverride")
	}
	p.Script, _, _ = key.GetStringValue("AutoConfigURL")
	return p
}
