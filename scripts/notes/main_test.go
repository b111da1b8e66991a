package main

import (
	"strings"
	"testing"
	"time"
)

// commit is one as the input has it.
func commit(subject, note, chinese string) string {
	return subject + fieldEnd + note + fieldEnd + chinese + commitEnd + "\n"
}

func TestNotesTellUsersWhatIsNewForThem(t *testing.T) {
	cs := changes(
		commit("watcher: read pictures in chunks", "", "") +
			commit("cmd, desktop: toasts carry a name", "Notifications carry the program's name", "通知带有程序的名称") +
			commit("scripts: the linter is newer", "", "") +
			commit("album: an index", "none", ""))
	for _, page := range []struct{ got, want string }{
		{notes("1.2.3", cs, false), "# bilipaste 1.2.3\n" +
			"\n## Copying and pasting\n\n* read pictures in chunks\n" +
			"\n## Tray and notifications\n\n* Notifications carry the program's name\n"},
		{notes("1.2.3", cs, true), "# bilipaste 1.2.3\n" +
			"\n## 复制与粘贴\n\n* read pictures in chunks\n" +
			"\n## 托盘与通知\n\n* 通知带有程序的名称\n"},
	} {
		if page.got != page.want {
			t.Errorf("got\n%s\nwant\n%s", page.got, page.want)
		}
	}
}

func TestAPackagesChangelogAlwaysHasAnEntry(t *testing.T) {
	list, err := changelog("1.2.3", time.Unix(0, 0), "a <a@example.org>", nil)
	if err != nil || !strings.Contains(string(list), `"note": "Release 1.2.3"`) || !strings.Contains(string(list), `"date": "1970-01-01T00:00:00Z"`) {
		t.Errorf("%v\n%s", err, list)
	}
}
