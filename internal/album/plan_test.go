package album

import (
	"strings"
	"testing"
)

// What is known of a picture is found by its sum, however many links there are.
func TestWhatIsKnownIsFoundByTheSum(t *testing.T) {
	a, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for query, want := range map[string]string{knownGiven: "(sum=?)", knownSent: "links_sent (sent=?)"} {
		rows, err := a.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, 1, 2, 3, 4)
		if err != nil {
			rows, err = a.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, 1, 2, 3)
		}
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, step)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "; "); !strings.Contains(plan[0], want) || strings.Contains(text, "SCAN") || strings.Contains(text, "links_host") {
			t.Errorf("%s", text)
		}
	}
}
