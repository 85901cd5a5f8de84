package document

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxTitle = 120 // characters

// Title is what people gave as a name, without folders and without what cannot be
// seen.
func Title(given string) string {
	given = given[strings.LastIndexAny(given, `/\`)+1:]
	given = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), strings.ContainsRune(`<>"|?*:`, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, given)
	given = strings.Trim(strings.Join(strings.Fields(given), " "), ". ")
	if utf8.RuneCountInString(given) > maxTitle {
		given = strings.TrimRight(string([]rune(given)[:maxTitle]), ". ")
	}
	if given == "" {
		return "document"
	}
	return given
}

// FileName is a name under which a document is saved: its title, with the ending of
// its type.
func FileName(title, mediaType string) string {
	ending := map[string][]string{PDF: {".pdf"}, PNG: {".png"}, JPEG: {".jpg", ".jpeg"}, ZIP: {".zip"}, DOCX: {".docx"}, XLSX: {".xlsx"}}[mediaType]
	for _, e := range ending {
		if strings.HasSuffix(strings.ToLower(title), e) {
			return title
		}
	}
	if len(ending) == 0 {
		return title + ".bin"
	}
	return title + ending[0]
}
