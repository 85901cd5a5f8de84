package document

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func inspect(mediaType string, doc []byte) error {
	return Inspect(context.Background(), mediaType, bytes.NewReader(doc), int64(len(doc)))
}

// aPDF is a small document with more objects in it.
func aPDF(more string) []byte {
	return []byte("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n" + more +
		"\ntrailer\n<< /Root 1 0 R /Size 3 >>\nstartxref\n9\n%%EOF\n")
}

// stream is an object with packed content.
func stream(dict, content string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(content))
	_ = z.Close()
	return fmt.Sprintf("5 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", dict, b.Len(), b.String())
}

func aPNG() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)))
	return b.Bytes()
}

// wide is a PNG whose head says another size.
func wide(w, h uint32) []byte {
	doc := aPNG()
	binary.BigEndian.PutUint32(doc[16:], w)
	binary.BigEndian.PutUint32(doc[20:], h)
	binary.BigEndian.PutUint32(doc[29:], crc32.ChecksumIEEE(doc[12:29]))
	return doc
}

func aJPEG() []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 16, 16)), nil)
	return b.Bytes()
}

type entry struct {
	name, text string
	change     func(*zip.FileHeader)
}

func aZIP(entries ...entry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.change != nil {
			e.change(h)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(e.text))
		}
		if err != nil {
			panic(err)
		}
	}
	_ = z.Close()
	return b.Bytes()
}

func aDOCX(more ...entry) []byte {
	return aZIP(append([]entry{{name: "[Content_Types].xml", text: "<Types/>"}, {name: "_rels/.rels", text: "<Relationships/>"}, {name: "word/document.xml", text: "<w:document/>"}}, more...)...)
}

// many is an archive of so many entries.
func many(n int) []byte {
	all := make([]entry, n)
	for i := range all {
		all[i] = entry{name: fmt.Sprint("f", i), text: "x"}
	}
	return aZIP(all...)
}

// patched replaces bytes everywhere.
func patched(doc []byte, from, to string) []byte {
	return bytes.ReplaceAll(doc, []byte(from), []byte(to))
}

func link(h *zip.FileHeader) { h.SetMode(fs.ModeSymlink | 0o777) }

// encrypted sets the flag of the first entry, in front of it and in the list.
func encrypted(doc []byte) []byte {
	doc[6] |= 1
	doc[bytes.Index(doc, []byte("PK\x01\x02"))+8] |= 1
	return doc
}

// overlapping is an archive whose second entry of the list points to the first one.
func overlapping() []byte {
	doc := aZIP(entry{name: "a", text: strings.Repeat("x", 100)}, entry{name: "a2", text: strings.Repeat("x", 100)})
	second := bytes.LastIndex(doc, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(doc[second+42:], 0)
	return doc
}

// lying is an archive whose entry says that it is smaller than it is.
func lying() []byte {
	doc := aZIP(entry{name: "a", text: strings.Repeat("x", 5000)})
	list := bytes.Index(doc, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(doc[list+24:], 10)
	return doc
}

// unlisted is an archive of which the list names but the second entry.
func unlisted() []byte {
	doc := aZIP(entry{name: "a", text: "x"}, entry{name: "b", text: "y"})
	first := bytes.Index(doc, []byte("PK\x01\x02"))
	second := bytes.LastIndex(doc, []byte("PK\x01\x02"))
	end := bytes.LastIndex(doc, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint16(doc[end+8:], 1)
	binary.LittleEndian.PutUint16(doc[end+10:], 1)
	binary.LittleEndian.PutUint32(doc[end+12:], uint32(end-second))
	return append(doc[:first:first], doc[second:]...)
}

// between is an archive with bytes of no entry between two.
func between() []byte {
	doc := aZIP(entry{name: "a", text: "x"}, entry{name: "b", text: "y"})
	second := bytes.Index(doc[4:], []byte("PK\x03\x04")) + 4
	list := bytes.LastIndex(doc, []byte("PK\x01\x02"))
	end := bytes.LastIndex(doc, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint32(doc[list+42:], uint32(second+6))
	at := binary.LittleEndian.Uint32(doc[end+16:])
	binary.LittleEndian.PutUint32(doc[end+16:], at+6)
	return slices.Concat(doc[:second], []byte("hidden"), doc[second:])
}

// renamed is an archive whose entry has another name in front of it than in the list.
func renamed() []byte {
	doc := aZIP(entry{name: "a.txt", text: "x"})
	doc[localHead] = 'b'
	return doc
}

// stored is an archive as programs write it that know sizes before: nothing stands
// behind the data.
func stored() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	text := []byte("what was measured")
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a.csv", Method: zip.Store, CRC32: crc32.ChecksumIEEE(text), CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text))})
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil || z.Close() != nil {
		panic(err)
	}
	return b.Bytes()
}

func pictures() [][]byte {
	return [][]byte{aPDF(""), aPNG(), aJPEG(), aZIP(entry{name: "a", text: "x"}), aDOCX()}
}

func TestInspectTakes(t *testing.T) {
	for what, c := range map[string]struct {
		mediaType string
		doc       []byte
	}{
		"a PDF":                        {PDF, aPDF("")},
		"a PDF with packed objects":    {PDF, aPDF(stream("/Type /ObjStm /N 1 /First 4", "7 0 << /Type /Page >>"))},
		"a PDF with a picture":         {PDF, aPDF(stream("/Subtype /Image", "\x00\x01/JS\x02"))},
		"a PDF with a link":            {PDF, aPDF("3 0 obj\n<< /Type /Annot /A << /S /URI /URI (https://example.org) >> >>\nendobj")},
		"a PDF that speaks of scripts": {PDF, aPDF("3 0 obj\n(JavaScript and Launch)\nendobj")},
		"a PNG":                        {PNG, aPNG()},
		"a JPEG":                       {JPEG, aJPEG()},
		"a JPEG with its preview":      {JPEG, append(aJPEG(), aJPEG()...)},
		"an archive":                   {ZIP, aZIP(entry{name: "运行/记录.csv", text: "1,2"}, entry{name: "log/"}, entry{name: "log/a.b", text: strings.Repeat("x", 10_000)})},
		"an archive of known sizes":    {ZIP, stored()},
		"a text":                       {DOCX, aDOCX()},
		"a text with a link":           {DOCX, aDOCX(entry{name: "word/_rels/document.xml.rels", text: `<Relationship Type="x/hyperlink" Target="https://example.org" TargetMode="External"/>`})},
		"a table":                      {XLSX, aZIP(entry{name: "[Content_Types].xml", text: "<Types/>"}, entry{name: "xl/workbook.xml", text: "<workbook/>"})},
	} {
		if err := inspect(c.mediaType, c.doc); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		mediaType string
		doc       []byte
		why       string
	}{
		"a type of its own":             {"text/html", []byte("<html>"), "nobody here can look into"},
		"a page as a PDF":               {PDF, []byte("<html>%PDF-"), "does not begin"},
		"a picture as a PDF":            {PDF, aPNG(), "does not begin"},
		"a PDF as a picture":            {PNG, aPDF(""), "a PDF as well"},
		"a JPEG as a PNG":               {PNG, aJPEG(), "no PNG"},
		"a PDF that is cut":             {PDF, aPDF("")[:60], "no end"},
		"a PDF with a tail":             {PDF, append(aPDF(""), "<script>"...), "something follows"},
		"a PDF and an archive":          {PDF, append(aPDF(""), aZIP(entry{name: "a", text: "x"})...), "an archive as well"},
		"a script":                      {PDF, aPDF("3 0 obj\n<< /S /JavaScript /JS (app.alert(1)) >>\nendobj"), "runs a script"},
		"a script by its number":        {PDF, aPDF("3 0 obj\n<< /S /J#61vaScript >>\nendobj"), "runs a script"},
		"a script that is packed":       {PDF, aPDF(stream("/Type /ObjStm", "7 0 << /S /JavaScript >>")), "runs a script"},
		"a script that is packed twice": {PDF, aPDF("5 0 obj\n<< /Type /ObjStm /Filter [/ASCIIHexDecode /FlateDecode] >>\nstream\n00\nendstream\nendobj"), "nobody here can look into"},
		"a script under another type":   {PDF, aPDF(stream("/Type /X", "7 0 8 10 9 12 10 14 << /S /JavaScript >>")), "runs a script"},
		"a script in a stream":          {PDF, aPDF("5 0 obj\n<< /Length 40 >>\nstream\n6 0 obj << /S /JavaScript >> endobj\nendstream\nendobj"), "runs a script"},
		"objects that do not unpack":    {PDF, aPDF("5 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\nnonsense\nendstream\nendobj"), "do not unpack"},
		"objects without end":           {PDF, aPDF(stream("/Type /ObjStm", strings.Repeat("1 ", maxObjects))), "unpack to more"},
		"a program to start":            {PDF, aPDF("3 0 obj\n<< /S /Launch /F (cmd.exe) >>\nendobj"), "starts programs"},
		"a file in it":                  {PDF, aPDF("3 0 obj\n<< /Type /EmbeddedFile >>\nendobj"), "other files"},
		"a form":                        {PDF, aPDF("3 0 obj\n<< /XFA 4 0 R >>\nendobj"), "runs scripts"},
		"a password":                    {PDF, patched(aPDF(""), "/Size 3", "/Encrypt 4 0 R"), "protected"},
		"a bomb of pixels":              {PNG, wide(29_999, 29_999), "pixels"},
		"a side without end":            {PNG, wide(1_000_000, 1), "pixels"},
		"a PNG with a tail":             {PNG, append(aPNG(), "<?php"...), "follows"},
		"a PNG that is cut":             {PNG, aPNG()[:40], "ends in the middle"},
		"a PNG and an archive":          {PNG, append(aPNG(), aZIP(entry{name: "a", text: "x"})...), "an archive as well"},
		"a JPEG with a tail":            {JPEG, append(aJPEG(), "<?php system($_GET)"...), "follows"},
		"a JPEG that is cut":            {JPEG, aJPEG()[:len(aJPEG())-2], "ends in the middle"},
		"a JPEG without a picture":      {JPEG, []byte("\xFF\xD8\xFF\xD9"), "no JPEG"},
		"no archive":                    {ZIP, []byte("PK\x03\x04 and more"), "no ZIP"},
		"something before it":           {ZIP, append([]byte("#!/bin/sh\n"), aZIP(entry{name: "a", text: "x"})...), "no ZIP"},
		"something behind it":           {ZIP, append(aZIP(entry{name: "a", text: "x"}), "tail"...), "no ZIP"},
		"a way up":                      {ZIP, aZIP(entry{name: "../../etc/passwd", text: "x"}), "leads out"},
		"a way up within":               {ZIP, aZIP(entry{name: "a/../../b", text: "x"}), "leads out"},
		"an absolute path":              {ZIP, aZIP(entry{name: "/etc/passwd", text: "x"}), "path"},
		"a path of Windows":             {ZIP, patched(aZIP(entry{name: "a+b", text: "x"}), "a+b", `a\b`), "path"},
		"a drive":                       {ZIP, aZIP(entry{name: "C:x", text: "x"}), "path"},
		"a name with NUL":               {ZIP, patched(aZIP(entry{name: "a+b", text: "x"}), "a+b", "a\x00b"), "control"},
		"a name that turns round":       {ZIP, aZIP(entry{name: "a\u202Efdp.exe", text: "x"}), "control"},
		"a name that ends in a dot":     {ZIP, aZIP(entry{name: "a./b", text: "x"}), "leads out"},
		"a long name":                   {ZIP, aZIP(entry{name: strings.Repeat("a", 241), text: "x"}), "longer"},
		"a deep name":                   {ZIP, aZIP(entry{name: strings.Repeat("a/", 20) + "b", text: "x"}), "deep"},
		"a name in another code":        {ZIP, patched(aZIP(entry{name: "a+b", text: "x"}), "a+b", "\xd4\xcb\xd0"), "UTF-8"},
		"twins":                         {ZIP, aZIP(entry{name: "A.txt", text: "x"}, entry{name: "a.TXT", text: "y"}), "one file"},
		"a link":                        {ZIP, aZIP(entry{name: "a", text: "/etc/passwd", change: link}), "link"},
		"a password on an entry":        {ZIP, encrypted(aZIP(entry{name: "a", text: "x"})), "protected"},
		"a bomb":                        {ZIP, aZIP(entry{name: "a", text: strings.Repeat("\x00", 2<<20)}), "times its size"},
		"a bomb that lies":              {ZIP, lying(), "does not unpack"},
		"entries over each other":       {ZIP, overlapping(), "over each other"},
		"an entry that is not listed":   {ZIP, unlisted(), "does not name"},
		"bytes between entries":         {ZIP, between(), "does not name"},
		"two names of an entry":         {ZIP, renamed(), "in two ways"},
		"data from elsewhere":           {XLSX, aZIP(entry{name: "[Content_Types].xml", text: "<Types/>"}, entry{name: "xl/workbook.xml", text: "<workbook/>"}, entry{name: "xl/connections.xml", text: "x"}), "other data"},
		"too many entries":              {ZIP, many(maxEntries + 1), "entries"},
		"an archive in it":              {ZIP, aZIP(entry{name: "b.txt", text: string(aZIP(entry{name: "a", text: "x"}))}), "an archive"},
		"a program in it":               {ZIP, aZIP(entry{name: "b.txt", text: "MZ\x90\x00"}), "a program"},
		"an archive as a text":          {DOCX, aZIP(entry{name: "a", text: "x"}), "no document of the type"},
		"a table as a text":             {DOCX, aZIP(entry{name: "[Content_Types].xml", text: "<Types/>"}, entry{name: "xl/workbook.xml", text: "<workbook/>"}), "no document of the type"},
		"macros":                        {DOCX, aDOCX(entry{name: "word/vbaProject.bin", text: "x"}), "macros"},
		"macros by its type":            {DOCX, aZIP(entry{name: "[Content_Types].xml", text: `<Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>`}, entry{name: "word/document.xml", text: "x"}), "macros"},
		"a template from elsewhere":     {DOCX, aDOCX(entry{name: "word/_rels/settings.xml.rels", text: `<Relationship Type="x/attachedTemplate" Target="https://evil.example/t.dotm"/>`}), "template"},
		"a file in a text":              {DOCX, aDOCX(entry{name: "word/embeddings/a.bin", text: "x"}), "other files"},
	} {
		err := inspect(c.mediaType, c.doc)
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestInspectBound: an archive that declares much is refused before anything is
// unpacked, and who looks no longer ends it.
func TestInspectBound(t *testing.T) {
	var all []entry
	for i := range 3 { // each just below the ratio, all of them too much
		all = append(all, entry{name: fmt.Sprint(i), text: strings.Repeat("x", 200), change: nil})
	}
	doc := aZIP(all...)
	for at := 0; ; { // each says that it is 100 MiB from 2 MiB
		i := bytes.Index(doc[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		binary.LittleEndian.PutUint32(doc[at+i+24:], 100<<20)
		binary.LittleEndian.PutUint32(doc[at+i+20:], 2<<20)
		at += i + 4
	}
	if err := inspect(ZIP, doc); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "more than 200 MiB") {
		t.Errorf("much in all: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, mediaType := range Types() {
		for _, doc := range pictures() {
			if err := Inspect(gone, mediaType, bytes.NewReader(doc), int64(len(doc))); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", mediaType, err)
			}
		}
	}
}

// FuzzInspect: no document makes Inspect panic, and none is taken for two types that
// exclude each other.
func FuzzInspect(f *testing.F) {
	for _, doc := range append(pictures(), overlapping(), lying(), unlisted(), between(), renamed(), stored(), wide(9, 9), aPDF(stream("/Type /ObjStm", "7 0 << /A 1 >>")), many(3)) {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		taken := []string{}
		for _, mediaType := range []string{PDF, PNG, JPEG, ZIP} {
			if err := inspect(mediaType, doc); err == nil {
				taken = append(taken, mediaType)
			} else if !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", mediaType, err)
			}
		}
		if len(taken) > 1 {
			t.Errorf("taken for %v", taken)
		}
		for _, mediaType := range []string{DOCX, XLSX} {
			if inspect(mediaType, doc) == nil && len(taken) == 0 {
				// An office document is an archive: only a PDF or old document in it is refused in one but not the other.
				t.Errorf("taken for %s and no archive", mediaType)
			}
		}
	})
}
