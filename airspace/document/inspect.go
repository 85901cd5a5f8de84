package document

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// The media types that Inspect knows.
const (
	PDF  = "application/pdf"
	PNG  = "image/png"
	JPEG = "image/jpeg"
	ZIP  = "application/zip"
	DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// Types are the media types that Inspect knows.
func Types() []string { return []string{PDF, PNG, JPEG, ZIP, DOCX, XLSX} }

// Limits of pictures: a scan of A3 with 600 dpi has 70 million pixels.
const (
	maxSide   = 30_000
	maxPixels = 100_000_000
)

func refused(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// Inspect refuses a document that is not of a media type from its first to its last
// byte, or that does more than show something.
func Inspect(ctx context.Context, mediaType string, doc io.ReaderAt, size int64) error {
	doc = &bounded{ctx, doc}
	head, err := readAt(doc, 0, min(size, 1024))
	if err != nil {
		return err
	}
	archive := mediaType == ZIP || mediaType == DOCX || mediaType == XLSX
	if mediaType != PDF && bytes.Contains(head, []byte("%PDF-")) {
		return refused("it is a PDF as well")
	}
	if !archive {
		if _, is, err := directoryOf(doc, size); err != nil {
			return err
		} else if is {
			return refused("it is an archive as well")
		}
	}
	switch mediaType {
	case PDF:
		return inspectPDF(doc, size)
	case PNG:
		return inspectPNG(doc, size)
	case JPEG:
		return inspectJPEG(doc, size)
	case ZIP, DOCX, XLSX:
		return inspectArchive(mediaType, doc, size)
	}
	return refused("%s is a type that nobody here can look into: send one of %v", mediaType, Types())
}

// bounded ends with its context: whoever hands in a document decides how long it
// takes to look into it.
type bounded struct {
	ctx context.Context
	doc io.ReaderAt
}

func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.doc.ReadAt(p, off)
}

// readAt reads a span that the document has.
func readAt(doc io.ReaderAt, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := doc.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// ioFault is an error that is not the document's: of the disk or the context.
func ioFault(doc io.ReaderAt) error {
	if b, ok := doc.(*bounded); ok {
		return b.ctx.Err()
	}
	return nil
}

func pixels(what string, c image.Config) error {
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return refused("a %s of %d x %d pixels: at most %d on a side and %d in all", what, c.Width, c.Height, maxSide, maxPixels)
	}
	return nil
}

// inspectPNG walks the chunks: the picture ends where the document does.
func inspectPNG(doc io.ReaderAt, size int64) error {
	c, err := png.DecodeConfig(io.NewSectionReader(doc, 0, size))
	if err != nil {
		return errors.Join(ioFault(doc), refused("it is no PNG: %v", err))
	}
	if err := pixels("PNG", c); err != nil {
		return err
	}
	data := false
	for at := int64(8); ; {
		if at+12 > size {
			return refused("the PNG ends in the middle")
		}
		h, err := readAt(doc, at, 8)
		if err != nil {
			return err
		}
		n, kind := int64(binary.BigEndian.Uint32(h)), string(h[4:])
		if n > size-at-12 {
			return refused("the PNG ends in the middle")
		}
		data = data || kind == "IDAT"
		if at += 12 + n; kind != "IEND" {
			continue
		}
		if at != size {
			return refused("something follows the picture's end: save it anew")
		}
		if !data {
			return refused("the PNG has no picture")
		}
		return nil
	}
}

// inspectJPEG walks the segments. Behind a picture others may stand, as cameras
// write previews and gain maps.
func inspectJPEG(doc io.ReaderAt, size int64) error {
	c, err := jpeg.DecodeConfig(io.NewSectionReader(doc, 0, size))
	if err != nil {
		return errors.Join(ioFault(doc), refused("it is no JPEG: %v", err))
	}
	if err := pixels("JPEG", c); err != nil {
		return err
	}
	r := &window{doc: doc, size: size}
	for r.at < size {
		if a, b := r.next(), r.next(); a != 0xFF || b != 0xD8 {
			return errors.Join(r.err, refused("something follows the picture's end: save it anew"))
		}
		if err := r.picture(); err != nil {
			return errors.Join(r.err, err)
		}
	}
	return r.err
}

// window reads bytes forward.
type window struct {
	doc      io.ReaderAt
	size, at int64
	buf      []byte
	from     int64
	err      error
}

// next is the next byte; 0 behind the end, where at goes on.
func (w *window) next() byte {
	if w.at >= w.size || w.err != nil {
		w.at++
		return 0
	}
	if i := w.at - w.from; i < 0 || i >= int64(len(w.buf)) {
		w.from = w.at
		if w.buf, w.err = readAt(w.doc, w.at, min(32<<10, w.size-w.at)); w.err != nil {
			return 0
		}
	}
	b := w.buf[w.at-w.from]
	w.at++
	return b
}

func (w *window) done() bool { return w.at >= w.size || w.err != nil }

// picture reads to the end of one picture, whose begin was read.
func (w *window) picture() error {
	scans := 0
	marker := byte(0)
	for marker != 0 || !w.done() {
		if marker == 0 {
			if w.next() != 0xFF {
				return refused("the JPEG is damaged")
			}
			for marker = 0xFF; marker == 0xFF && !w.done(); {
				marker = w.next()
			}
		}
		switch kind := marker; {
		case kind == 0xD9:
			if scans == 0 {
				return refused("the JPEG has no picture")
			}
			return nil
		case kind == 0x01 || kind >= 0xD0 && kind <= 0xD8: // no length
			marker = 0
		default:
			n := int64(w.next())<<8 | int64(w.next())
			if n < 2 || w.at+n-2 > w.size {
				return refused("the JPEG is damaged")
			}
			w.at += n - 2
			if marker = 0; kind == 0xDA {
				scans++
				marker = w.scan()
			}
		}
	}
	return refused("the JPEG ends in the middle")
}

// scan reads the data of a picture to the marker behind it.
func (w *window) scan() (marker byte) {
	for !w.done() {
		if w.next() != 0xFF {
			continue
		}
		b := w.next()
		for b == 0xFF && !w.done() {
			b = w.next()
		}
		if b != 0 && (b < 0xD0 || b > 0xD7) { // a stuffed byte, a restart
			return b
		}
	}
	return 0
}
