package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/image/bmp"

	"bilipaste/internal/desktoptest"
	"bilipaste/internal/sandbox"
)

// windowsDesk is a release and another program on Wine's Windows, and a
// sandbox. Settings and state are where Windows keeps its users'.
type windowsDesk struct {
	*desktoptest.Wine
	t       *testing.T
	x       *desktoptest.XServer
	host    *sandbox.Server
	folder  string // of the release
	state   string // folder
	another string // program
	tray    *exec.Cmd

	installer string // of the release
}

func startWindows(t *testing.T, settings string) *windowsDesk {
	t.Helper()
	d := &windowsDesk{t: t, x: desktoptest.StartX(t), host: sandbox.New()}
	if err := d.host.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.host.Close() })
	for name, value := range map[string]string{
		"BILIPASTE_GATEWAY": d.host.URL(), "BILIPASTE_HOME": "", "BILIPASTE_SESSDATA": "", "BILIPASTE_BILI_JCT": "",
		"LC_ALL": "C.UTF-8",
	} {
		t.Setenv(name, value)
	}
	d.Wine = desktoptest.StartWine(t)
	_ = d.Command(`C:\windows\system32\reg.exe`, "delete", `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`, "/v", "bilipaste", "/f").Run()
	d.folder, d.installer = d.Release(windowsVersion)
	d.another = d.Build("bilipaste/internal/desktoptest/winprogram")
	file := d.bilipaste("config", "path")
	if !regexp.MustCompile(`^C:\\users\\\w+\\AppData\\Local\\bilipaste\\config\.json$`).MatchString(file) {
		t.Fatalf("the settings are in %q", file)
	}
	d.state = filepath.Dir(d.Unix(file))
	if err := os.RemoveAll(d.state); err != nil { // another run's
		t.Fatal(err)
	}
	if err := os.MkdirAll(d.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.state, "config.json"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", d.log())
			d.x.Save(t, "windows-failed")
		}
	})
	return d
}

// windowsVersion is the release's.
const windowsVersion = "1.2.3-rc.4"

// Formats of the clipboard, as Windows's headers number them.
const (
	formatDIB   = "8"
	formatText  = "13"
	formatFiles = "15"
)

// bilipaste runs the console program from cmd, and returns its one line.
func (d *windowsDesk) bilipaste(args ...string) string {
	d.t.Helper()
	return strings.TrimSpace(d.Run(`C:\windows\system32\cmd.exe`,
		append([]string{"/c", d.Path(filepath.Join(d.folder, "bilipaste.exe"))}, args...)...))
}

// startTray starts the tray program, as a double click does.
func (d *windowsDesk) startTray() {
	d.t.Helper()
	d.tray = d.Command(filepath.Join(d.folder, "bilipastew.exe"))
	if err := d.tray.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = d.tray.Process.Kill() })
}

// endTray ends the tray program, as the task manager does.
func (d *windowsDesk) endTray() {
	d.t.Helper()
	d.Run(`C:\windows\system32\taskkill.exe`, "/im", "bilipastew.exe")
	desktoptest.Eventually(d.t, "the end of the tray program", func() bool {
		return !isRunning(d.state)
	})
}

// icon waits until the tray shows an icon, and returns its middle.
func (d *windowsDesk) icon(what string, ink color.NRGBA, least int) image.Point {
	d.t.Helper()
	var where image.Rectangle
	desktoptest.Eventually(d.t, "an icon for "+what, func() bool {
		var pixels int
		where, pixels = d.x.Inked(d.t, 64, ink)
		return pixels >= least && where.Dx() <= 20
	})
	return where.Min.Add(where.Max).Div(2)
}

// copy has the other program copy contents, each after its format.
func (d *windowsDesk) copy(contents ...any) {
	d.t.Helper()
	args := []string{"copy"}
	for i := 0; i < len(contents); i += 2 {
		file := filepath.Join(d.t.TempDir(), "content")
		if err := os.WriteFile(file, contents[i+1].([]byte), 0o600); err != nil {
			d.t.Fatal(err)
		}
		args = append(args, contents[i].(string), d.Path(file))
	}
	d.Run(d.another, args...)
}

// pasted waits for n links on the clipboard, and returns the pictures behind them.
func (d *windowsDesk) pasted(n int) (pictures [][]byte) {
	d.t.Helper()
	link := regexp.MustCompile(`!\[\]\((http[^)]+)\)`)
	var links [][]string
	desktoptest.Eventually(d.t, "links on the clipboard", func() bool {
		out, err := d.Command(d.another, "paste").Output()
		links = link.FindAllStringSubmatch(string(out), -1)
		return err == nil && len(links) == n
	})
	for _, l := range links {
		answer, err := http.Get(l[1])
		if err != nil {
			d.t.Fatal(err)
		}
		data, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			d.t.Fatalf("%s: %s, %v", l[1], answer.Status, err)
		}
		pictures = append(pictures, data)
	}
	return pictures
}

func (d *windowsDesk) log() string {
	data, _ := os.ReadFile(filepath.Join(d.state, "bilipaste.log"))
	return string(data)
}

// leavesAlone waits until a clip is left alone for a reason.
func (d *windowsDesk) leavesAlone(why string, contents ...any) {
	d.t.Helper()
	line := "msg=clip why=" + why
	before := strings.Count(d.log(), line)
	d.copy(contents...)
	desktoptest.Eventually(d.t, "a clip that is left alone: "+why, func() bool { return strings.Count(d.log(), line) > before })
}

// A release, from the first start to the next login, as far as Wine is Windows.
func TestTheReleaseOnWindows(t *testing.T) {
	speaker := desktoptest.StartSpeaker(t)
	recording := speaker.Record(t)
	d := startWindows(t, `{"pace": "0s", "language": "en"}`)

	for _, name := range []string{"bilipaste.exe", "bilipastew.exe"} {
		d.describes(filepath.Join(d.folder, name))
	}
	if v := d.bilipaste("version"); !strings.HasPrefix(v, "bilipaste "+windowsVersion+" windows/amd64 ") {
		t.Errorf("version: %q", v)
	}

	// The console program.
	d.host.Phone(50*time.Millisecond, 100*time.Millisecond)
	if said := d.bilipaste("login"); !strings.Contains(said, "kept in the keyring") {
		t.Errorf("login: %q", said)
	}
	if said := d.bilipaste("status"); !strings.Contains(said, "session: from the keyring") {
		t.Errorf("status: %q", said)
	}
	if said := d.bilipaste("doctor"); strings.Contains(said, "[!!]") {
		t.Errorf("doctor: %s", said)
	}
	file := filepath.Join(t.TempDir(), "截图 1.png")
	picture := noise(t, 1000)
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	if link := d.bilipaste("upload", d.Path(file)); !strings.HasPrefix(link, d.host.URL()) || strings.Contains(link, "\n") {
		t.Errorf("upload: %q", link)
	}

	// The tray program: a left click, and what is copied then.
	d.startTray()
	d.x.Click(t, 1, d.icon("off", grey, 20))
	d.icon("writing mode", blue, 60)
	d.x.Point(t, image.Pt(600, 400))
	d.x.Save(t, "windows-writing")
	uploaded := uploads(d.host)
	bitmap := colourful(201, 120)
	d.copy(formatDIB, dib(t, bitmap))
	if got, err := png.Decode(bytes.NewReader(d.pasted(1)[0])); err != nil || !samePixels(got, bitmap) {
		t.Errorf("the bitmap became another picture: %v", err)
	}
	d.white("a balloon", 200*50)
	d.x.Save(t, "windows-balloon")
	if ding := recording.Sounds(t, 1)[0]; math.Abs(ding.Pitch-1318.5) > 15 {
		t.Errorf("heard %+v", ding)
	}
	first := noise(t, 1500)
	d.copy("PNG", first, formatDIB, dib(t, bitmap))
	if got := d.pasted(1)[0]; !bytes.Equal(got, first) {
		t.Error("the PNG became another file")
	}
	second := noise(t, 2000)
	d.copy(formatFiles, drop(d.Path(file), d.Path(saved(t, second))))
	if got := d.pasted(2); !bytes.Equal(got[0], picture) || !bytes.Equal(got[1], second) {
		t.Error("the files became others")
	}
	if n := uploads(d.host) - uploaded; n != 3 { // one of the files is known
		t.Errorf("%d uploads", n)
	}

	// What is left alone.
	uploaded = uploads(d.host)
	d.leavesAlone("secret", formatDIB, dib(t, bitmap), "ExcludeClipboardContentFromMonitorProcessing", make([]byte, 4))
	d.leavesAlone("secret", formatDIB, dib(t, bitmap), "CanIncludeInClipboardHistory", make([]byte, 4))
	d.leavesAlone("text", formatDIB, dib(t, bitmap), formatText, wide("a cell"))
	d.leavesAlone("cut", formatFiles, drop(d.Path(file)), "Preferred DropEffect", []byte{2, 0, 0, 0})
	if n := uploads(d.host) - uploaded; n != 0 {
		t.Errorf("%d uploads of what is to be left alone", n)
	}

	// Start at login, from the menu.
	d.toggleAutostart()
	desktoptest.Eventually(t, "an entry that starts it", func() bool { return strings.Contains(d.startsAtLogin(), "bilipastew.exe") })
	d.endTray()
	if err := d.tray.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	d.Restart()
	d.x.Click(t, 1, d.icon("off", grey, 20))
	d.icon("writing mode", blue, 60)
	third := noise(t, 3000)
	d.copy("PNG", third)
	if got := d.pasted(1)[0]; !bytes.Equal(got, third) {
		t.Error("after the next login, a PNG became another file")
	}
	d.toggleAutostart()
	desktoptest.Eventually(t, "no entry any more", func() bool { return !strings.Contains(d.startsAtLogin(), "bilipaste") })
	d.endTray()
	if said := d.bilipaste("logout"); !strings.Contains(said, "logged out") {
		t.Errorf("logout: %q", said)
	}
}

// describes checks what Windows reads of a program's resources.
func (d *windowsDesk) describes(program string) {
	d.t.Helper()
	var about struct {
		Product, Description, Manifest string
		Version                        [4]int
		Icons                          int
	}
	if err := json.Unmarshal([]byte(d.Run(d.another, "describe", d.Path(program))), &about); err != nil {
		d.t.Fatal(err)
	}
	if about.Product != windowsVersion || about.Version != [4]int{1, 2, 3, 0} || about.Description != "bilipaste" || about.Icons != 1 {
		d.t.Errorf("%s: %+v", program, about)
	}
	for _, want := range []string{"asInvoker", "permonitorv2", "longPathAware", "Microsoft.Windows.Common-Controls"} {
		if !strings.Contains(about.Manifest, want) {
			d.t.Errorf("%s: no %s in its manifest:\n%s", program, want, about.Manifest)
		}
	}
}

// white waits until so much of the screen is: a balloon, a menu.
func (d *windowsDesk) white(what string, least int) {
	d.t.Helper()
	desktoptest.Eventually(d.t, what, func() bool {
		_, pixels := d.x.Inked(d.t, d.x.Screen(d.t).Bounds().Dy(), color.NRGBA{0xff, 0xff, 0xff, 0xff})
		return pixels >= least
	})
}

// toggleAutostart clicks the menu's item.
func (d *windowsDesk) toggleAutostart() {
	d.t.Helper()
	d.x.Click(d.t, 3, d.icon("writing mode", blue, 60))
	d.white("a menu", 200*200)
	d.x.Save(d.t, "windows-menu")
	d.x.Press(d.t, "Up", "Up", "Up", "Up", "Up", "Up", "Return") // quit, help, settings, the page, the account, start at login
}

// startsAtLogin tells what the user's Run key starts.
func (d *windowsDesk) startsAtLogin() string {
	d.t.Helper()
	return d.Run(`C:\windows\system32\reg.exe`, "query", `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`)
}

// colourful is a picture with no two pixels alike.
func colourful(width, height int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), uint8(x * y), 0xff})
		}
	}
	return m
}

// dib is a picture as a device-independent bitmap: a BMP file without its first header.
func dib(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bmp.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[14:]
}

// wide is a text of Windows's.
func wide(text string) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, append(utf16.Encode([]rune(text)), 0))
	return b
}

// drop is a list of copied files, as Windows has it.
func drop(files ...string) []byte {
	b := make([]byte, 20)
	b[0], b[16] = 20, 1 // where the names begin, which are wide
	for _, f := range files {
		b = append(b, wide(f)...)
	}
	return append(b, 0, 0)
}

// saved is a file with these bytes.
func saved(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), strconv.Itoa(len(data))+".png")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func samePixels(a, b image.Image) bool {
	if a.Bounds().Size() != b.Bounds().Size() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if color.NRGBAModel.Convert(a.At(x, y)) != color.NRGBAModel.Convert(b.At(x, y)) {
				return false
			}
		}
	}
	return true
}
