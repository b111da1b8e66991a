package account

// RefreshKey is Bilibili's key, for the test that pins it.
const RefreshKey = refreshKey

// CorrespondPath is the path of a renewal at that time.
func (c *Client) CorrespondPath(clock int64) (string, error) {
	return correspondPath(c.refreshKey, clock)
}
