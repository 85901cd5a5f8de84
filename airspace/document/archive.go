package document

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of an archive.
const (
	maxEntries   = 2000
	maxDirectory = 1 << 20   // bytes of its list of entries
	maxTotal     = 200 << 20 // bytes of all that it unpacks to
	maxRatio     = 100       // of what is larger than ratioFrom
	ratioFrom    = 1 << 20
	maxEntryName = 240
	maxDepth     = 16
	maxSmallFile = 4 << 20 // of an office document's lists
	localHead    = 30      // bytes in front of an entry's name
)

// directory is where an archive says that its list of entries is.
type directory struct{ entries, size, at, end int64 }

// directoryOf finds the end of an archive that ends where the document does.
func directoryOf(doc io.ReaderAt, size int64) (d directory, is bool, err error) {
	n := min(size, 22+65535)
	tail, err := readAt(doc, size-n, n)
	if err != nil {
		return d, false, err
	}
	for i := len(tail) - 22; i >= 0; i-- {
		if !bytes.HasPrefix(tail[i:], []byte("PK\x05\x06")) || i+22+int(binary.LittleEndian.Uint16(tail[i+20:])) != len(tail) {
			continue
		}
		le := binary.LittleEndian
		d = directory{int64(le.Uint16(tail[i+10:])), int64(le.Uint32(tail[i+12:])), int64(le.Uint32(tail[i+16:])), size - n + int64(i)}
		return d, true, nil
	}
	return d, false, nil
}

// inspectArchive looks at every entry, and unpacks each without keeping it.
func inspectArchive(mediaType string, doc io.ReaderAt, size int64) error {
	d, is, err := directoryOf(doc, size)
	if err != nil {
		return err
	}
	head, err := readAt(doc, 0, min(size, 4))
	switch {
	case err != nil:
		return err
	case !is || string(head) != "PK\x03\x04":
		return refused("it is no ZIP archive with something in it, from its first to its last byte")
	case d.entries > maxEntries || d.size > maxDirectory: // before anything is made of it
		return refused("the archive has %d entries: at most %d", d.entries, maxEntries)
	case d.at+d.size != d.end:
		return refused("the archive is not in one piece, or larger than 4 GiB: pack it anew")
	}
	z, err := zip.NewReader(doc, size)
	if errors.Is(err, zip.ErrInsecurePath) {
		return refused("a name in the archive leads out of it")
	}
	if err != nil {
		return errors.Join(ioFault(doc), refused("the archive does not open: %v", err))
	}
	a := archive{doc: doc, z: z, end: d.at, office: mediaType != ZIP}
	if err := a.names(); err != nil {
		return err
	}
	if err := a.places(); err != nil {
		return err
	}
	for _, f := range z.File {
		if err := a.unpack(f); err != nil {
			return err
		}
	}
	if a.office {
		return a.officeParts(mediaType)
	}
	return nil
}

type archive struct {
	doc    io.ReaderAt
	z      *zip.Reader
	end    int64 // where the entries end
	office bool
	total  int64
}

// names judges the names and kinds of the entries.
func (a *archive) names() error {
	seen := map[string]string{}
	declared := uint64(0)
	for _, f := range a.z.File {
		if why := nameFault(f.Name); why != "" {
			return refused("the name %.60q in the archive %s", f.Name, why)
		}
		same := strings.ToLower(strings.TrimSuffix(f.Name, "/"))
		if other, twice := seen[same]; twice {
			return refused("%.60q and %.60q are one file where case does not matter", other, f.Name)
		}
		seen[same] = f.Name
		mode := f.Mode()
		switch {
		case f.Flags&0x2041 != 0 || f.Method == 99:
			return refused("%.60q is protected, and nobody can look into it: pack without a password", f.Name)
		case !mode.IsRegular() && !mode.IsDir():
			return refused("%.60q is no file but a link or device", f.Name)
		case mode.IsDir() && f.UncompressedSize64 > 0:
			return refused("%.60q is a folder with content", f.Name)
		case f.Method != zip.Store && f.Method != zip.Deflate:
			return refused("%.60q is packed by method %d: use Deflate", f.Name, f.Method)
		case f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/maxRatio > f.CompressedSize64:
			return refused("%.60q unpacks to more than %d times its size", f.Name, maxRatio)
		}
		if declared += f.UncompressedSize64; f.UncompressedSize64 > maxTotal || declared > maxTotal {
			return refused("the archive unpacks to more than %d MiB", maxTotal>>20)
		}
	}
	return nil
}

// nameFault is what is wrong with the name of an entry; empty: nothing.
func nameFault(name string) string {
	parts := strings.Split(strings.TrimSuffix(name, "/"), "/")
	switch {
	case name == "" || len(name) > maxEntryName:
		return fmt.Sprintf("is empty or longer than %d bytes", maxEntryName)
	case !utf8.ValidString(name):
		return "is not UTF-8: pack it with a program that writes names so"
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
		return "has control characters"
	case strings.ContainsAny(name, `\:`) || path.IsAbs(name):
		return "is no path within it"
	case len(parts) > maxDepth:
		return fmt.Sprintf("is nested more than %d deep", maxDepth)
	case slices.ContainsFunc(parts, func(p string) bool { return p == "" || strings.Trim(p, ". ") == "" || strings.TrimRight(p, ". ") != p }):
		return "leads out of it, or to another place on another system"
	}
	return ""
}

// places refuses entries that share bytes, by which a small archive unpacks to much,
// and bytes that are of no entry: some programs unpack what they find on the way, and
// not what the list says.
func (a *archive) places() error {
	type span struct {
		f    *zip.File
		data int64
	}
	all := make([]span, 0, len(a.z.File))
	for _, f := range a.z.File {
		data, err := f.DataOffset()
		if err != nil {
			return errors.Join(ioFault(a.doc), refused("the archive is damaged: %v", err))
		}
		if f.CompressedSize64 > uint64(a.end) {
			return refused("the archive is damaged: %.60q is larger than all of it", f.Name)
		}
		all = append(all, span{f, data})
	}
	slices.SortFunc(all, func(x, y span) int { return cmp.Compare(x.data, y.data) })
	at := int64(0)
	for i, s := range all {
		if err := a.head(s.f, at, s.data); err != nil {
			return err
		}
		at = s.data + int64(s.f.CompressedSize64)
		next := a.end
		if i+1 < len(all) {
			next = all[i+1].data
		}
		if at > next {
			return refused("entries of the archive lie over each other, or over its list")
		}
		if s.f.Flags&0x8 != 0 {
			n, err := a.descriptor(s.f, at)
			if err != nil {
				return err
			}
			at += n
		}
	}
	if at != a.end {
		return refused("the archive has something in it that its list does not name: pack it anew")
	}
	return nil
}

// head refuses an entry that does not begin at a place, or begins under another name.
func (a *archive) head(f *zip.File, at, data int64) error {
	if at+localHead > data || data > a.end {
		return refused("entries of the archive lie over each other, or over its list")
	}
	h, err := readAt(a.doc, at, min(data-at, int64(localHead+len(f.Name))))
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	name, extra := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	switch {
	case string(h[:4]) != "PK\x03\x04" || at+localHead+name+extra != data:
		return refused("the archive has something in it that its list does not name: pack it anew")
	case string(h[localHead:]) != f.Name:
		return refused("the archive names %.60q in two ways", f.Name)
	case le.Uint16(h[8:]) != f.Method:
		return refused("the archive packs %.60q in two ways", f.Name)
	}
	return nil
}

// descriptor is how many bytes the size and checksum take that stand behind the data
// of an entry: with or without a mark, with sizes of 4 or 8 bytes.
func (a *archive) descriptor(f *zip.File, at int64) (int64, error) {
	b, err := readAt(a.doc, at, min(24, a.end-at))
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	for _, c := range []struct{ mark, size int }{{4, 4}, {4, 8}, {0, 4}, {0, 8}} {
		n := c.mark + 4 + 2*c.size
		if len(b) < n || c.mark > 0 && string(b[:4]) != "PK\x07\x08" || le.Uint32(b[c.mark:]) != f.CRC32 {
			continue
		}
		packed := b[c.mark+4:]
		if c.size == 4 && uint64(le.Uint32(packed)) == f.CompressedSize64&0xFFFFFFFF || c.size == 8 && le.Uint64(packed) == f.CompressedSize64 {
			return int64(n), nil
		}
	}
	return 0, refused("the archive is damaged: the size behind %.60q is not its size", f.Name)
}

// unpack reads one entry to its end, which compares its size and checksum.
func (a *archive) unpack(f *zip.File) error {
	if f.Mode().IsDir() {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return errors.Join(ioFault(a.doc), refused("%.60q does not unpack: %v", f.Name, err))
	}
	defer r.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Join(ioFault(a.doc), refused("%.60q does not unpack: %v", f.Name, err))
	}
	if what := hidden(head[:n]); what != "" {
		return refused("%.60q in the archive is %s: enclose it by itself, unpacked", f.Name, what)
	}
	more, err := io.Copy(io.Discard, io.LimitReader(r, maxTotal-a.total-int64(n)+1))
	if err != nil {
		return errors.Join(ioFault(a.doc), refused("%.60q does not unpack: %v", f.Name, err))
	}
	if a.total += int64(n) + more; a.total > maxTotal {
		return refused("the archive unpacks to more than %d MiB", maxTotal>>20)
	}
	return nil
}

// hidden says what an entry is that nobody looks into, or that runs; empty: neither.
func hidden(head []byte) string {
	for magic, what := range map[string]string{
		"PK\x03\x04": "an archive", "PK\x05\x06": "an archive", "\x1f\x8b": "an archive", "BZh": "an archive", "7z\xbc\xaf\x27\x1c": "an archive", "\xfd7zXZ\x00": "an archive",
		"Rar!\x1a\x07": "an archive", "\x28\xb5\x2f\xfd": "an archive", "MSCF": "an archive", "MZ": "a program", "\x7fELF": "a program", "#!": "a program",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old office document, which may have macros", "%PDF-": "a PDF",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return what
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "an archive"
	}
	return ""
}

// officeParts refuses an office document that is of another type, runs something or
// has other files in it.
func (a *archive) officeParts(mediaType string) error {
	main := "word/document.xml"
	if mediaType == XLSX {
		main = "xl/workbook.xml"
	}
	have := map[string]bool{}
	for _, f := range a.z.File {
		name := strings.ToLower(f.Name)
		have[f.Name] = true
		for part, why := range map[string]string{"vbaproject": "macros", "/embeddings/": "other files in it", "activex": "controls that run", "macrosheets/": "macros", "vbadata": "macros", "externallinks/": "links to other files", "xl/connections": "links to other data", "querytables/": "links to other data", "customui": "controls that run"} {
			if strings.Contains(name, part) {
				return refused("the document has %s (%.60q): save it without, or as a PDF", why, f.Name)
			}
		}
		if name != "[content_types].xml" && !strings.HasSuffix(name, ".rels") {
			continue
		}
		text, err := small(f)
		if err != nil {
			return errors.Join(ioFault(a.doc), err)
		}
		for word, why := range map[string]string{"macroenabled": "macros", "attachedtemplate": "a template from elsewhere", "oleobject": "other files in it", "<!doctype": "a declaration of its own", "<!entity": "a declaration of its own", "/afchunk": "other files in it", "&#": "names that are written in a way that nobody writes them", "/frame\"": "content from elsewhere", "/subdocument\"": "content from elsewhere"} {
			if bytes.Contains(text, []byte(word)) {
				return refused("the document has %s: save it without, or as a PDF", why)
			}
		}
	}
	if !have["[Content_Types].xml"] || !have[main] {
		return refused("it is an archive but no document of the type %s", mediaType)
	}
	return nil
}

// small is a list of an office document, in lower case; UTF-16 without its zeros.
func small(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxSmallFile {
		return nil, refused("%.60q is larger than such a list is", f.Name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, refused("%.60q does not unpack: %v", f.Name, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxSmallFile))
	if err != nil {
		return nil, refused("%.60q does not unpack: %v", f.Name, err)
	}
	return bytes.ToLower(bytes.ReplaceAll(text, []byte{0}, nil)), nil
}
