package document

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"io"
)

const (
	// maxObjects is to how much one stream of objects may unpack; those of large
	// documents have a few hundred kB.
	maxObjects = 16 << 20
	// maxUnpacked is how much of all streams of a document is unpacked.
	maxUnpacked = 256 << 20
)

// active are the names of what does something when a PDF is opened or clicked, or
// hides other files in it. They are long enough not to stand in packed data by chance.
var active = map[string]string{
	"JavaScript": "it runs a script", "Launch": "it starts programs", "EmbeddedFile": "it has other files in it", "EmbeddedFiles": "it has other files in it",
	"RichMedia": "it plays media", "Rendition": "it plays media", "SubmitForm": "it sends what is filled in", "ImportData": "it reads other files", "GoToE": "it opens other files",
	"Encrypt": "it is protected, and nobody can look into it: save it without a password",
}

// activeShort are such names that may stand in packed data by chance: they are
// looked for outside of it.
var activeShort = map[string]string{"JS": "it runs a script", "XFA": "it has a form that runs scripts", "GoToR": "it opens other files"}

// inspectPDF looks at every name in the file, and in the streams that have objects.
func inspectPDF(doc io.ReaderAt, size int64) error {
	head, err := readAt(doc, 0, min(size, 5))
	if err != nil {
		return err
	}
	if string(head) != "%PDF-" {
		return refused("it is no PDF: it does not begin with %%PDF-")
	}
	tail, err := readAt(doc, max(0, size-2048), min(size, 2048))
	if err != nil {
		return err
	}
	end := bytes.LastIndex(tail, []byte("%%EOF"))
	if end < 0 || len(bytes.Trim(tail[end+5:], "\r\n\t \x00")) > 0 {
		return refused("the PDF has no end, or something follows it: save it anew")
	}
	p := pdfReader{doc: doc, size: size, left: maxUnpacked}
	return p.read()
}

// pdfReader reads the file from its begin to its end, whatever its table of objects
// says: a reader of PDF may find objects anywhere.
type pdfReader struct {
	doc  io.ReaderAt
	size int64
	left int64         // of maxUnpacked
	zlib io.ReadCloser // used again: a document may have many streams
}

// dict is what the names of a stream's dictionary say.
type dict struct{ objects, packed, otherFilter, predictor bool }

func (d *dict) name(n string) {
	switch n {
	case "ObjStm":
		d.objects = true
	case "FlateDecode", "Fl":
		d.packed = true
	case "ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode", "Crypt", "AHx", "A85", "LZW", "RL":
		d.otherFilter = true
	case "Predictor":
		d.predictor = true
	}
}

func (p *pdfReader) read() error {
	r := bufio.NewReaderSize(io.NewSectionReader(p.doc, 0, p.size), 64<<10)
	var (
		at     int64
		d      dict
		inside bool   // of a stream
		word   []byte // the last letters
	)
	for {
		b, err := r.ReadByte()
		if err != nil {
			return endOf(err)
		}
		at++
		if b == '/' {
			name, n := readName(r)
			at += int64(n)
			why := active[name]
			if why == "" && !inside {
				why = activeShort[name]
			}
			if why != "" {
				return refused("%s (/%s): save it as a plain PDF", why, name)
			}
			if !inside {
				d.name(name)
			}
			word = word[:0]
			continue
		}
		if b < 'a' || b > 'z' {
			word = word[:0]
			continue
		}
		if word = append(word, b); len(word) > 16 {
			word = word[:copy(word, word[1:])]
		}
		switch {
		case inside && bytes.HasSuffix(word, []byte("endstream")):
			inside, d = false, dict{}
		case !inside && bytes.Equal(word, []byte("endobj")):
			d = dict{}
		case !inside && bytes.Equal(word, []byte("stream")):
			inside = true
			if err := p.stream(at, d); err != nil {
				return err
			}
		}
	}
}

// endOf is nothing at the end of a file.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readName reads a name whose / was read, with its #xx; n is how many bytes it took.
func readName(r *bufio.Reader) (name string, n int) {
	var out []byte
	for len(out) < 64 {
		b, err := r.Peek(1)
		if err != nil || b[0] <= ' ' || b[0] > '~' || bytes.IndexByte([]byte("()<>[]{}/%"), b[0]) >= 0 {
			break
		}
		take, c := 1, b[0]
		if c == '#' {
			if h, err := r.Peek(3); err == nil && hexDigit(h[1]) >= 0 && hexDigit(h[2]) >= 0 {
				take, c = 3, byte(hexDigit(h[1])<<4|hexDigit(h[2]))
			}
		}
		_, _ = r.Discard(take) // it was peeked at
		n += take
		out = append(out, c)
	}
	return string(out), n
}

func hexDigit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// stream looks into a stream that begins at a place, behind its keyword.
func (p *pdfReader) stream(at int64, d dict) error {
	if d.objects && (d.otherFilter || d.predictor) {
		return refused("its objects are packed in a way that nobody here can look into: save it anew")
	}
	if !d.packed || d.otherFilter {
		return nil // what it says in plain is read with the file
	}
	packed := bufio.NewReaderSize(io.NewSectionReader(p.doc, at, p.size-at), 4<<10)
	for range 2 { // the end of the keyword's line
		if b, err := packed.Peek(1); err == nil && (b[0] == '\r' || b[0] == '\n') {
			_, _ = packed.Discard(1)
		}
	}
	var err error
	if again, ok := p.zlib.(zlib.Resetter); ok {
		err = again.Reset(packed, nil)
	} else {
		p.zlib, err = zlib.NewReader(packed)
	}
	if err != nil {
		return p.unpackFault(d, err)
	}
	text := bufio.NewReader(io.LimitReader(p.zlib, maxObjects+1))
	// A stream of objects begins with their numbers, whatever its dictionary says.
	first, err := text.Peek(16)
	if len(first) == 0 {
		return p.unpackFault(d, err)
	}
	if !d.objects && len(bytes.Trim(first, "0123456789 \r\n\t\f\x00")) > 0 {
		return nil
	}
	return p.objects(text, d)
}

// unpackFault refuses objects that do not unpack; a picture is not looked into.
func (p *pdfReader) unpackFault(d dict, err error) error {
	if fault := ioFault(p.doc); fault != nil {
		return fault
	}
	if d.objects {
		return refused("its objects do not unpack (%v): save it anew", err)
	}
	return nil
}

func (p *pdfReader) objects(text *bufio.Reader, d dict) error {
	n := int64(0)
	for {
		b, err := text.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return p.unpackFault(d, err)
		}
		n++
		if p.left--; p.left < 0 || n > maxObjects {
			if !d.objects { // numbers, but no objects: a picture of them
				return nil
			}
			return refused("its objects unpack to more than %d MiB", maxObjects>>20)
		}
		if b != '/' {
			continue
		}
		name, k := readName(text)
		n += int64(k)
		why := active[name]
		if why == "" && d.objects {
			why = activeShort[name]
		}
		if why != "" {
			return refused("%s (/%s, packed): save it as a plain PDF", why, name)
		}
	}
}
