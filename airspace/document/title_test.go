package document

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTitle(t *testing.T) {
	for given, want := range map[string]string{
		"plan.pdf": "plan.pdf", `C:\Users\wang\plan.pdf`: "plan.pdf", "../../etc/passwd": "passwd", "飞行 计划.pdf": "飞行 计划.pdf", "": "document", "...": "document",
		"a\r\nSet-Cookie: x": "aSet-Cookie x", "plan\u202Efdp.exe": "planfdp.exe", "a\x00b": "ab", "  a \t b ": "a b", `<img src="x">`: "img src=x", "bad\xff": "bad",
	} {
		if got := Title(given); got != want {
			t.Errorf("%q is %q, want %q", given, got, want)
		}
	}
	if got := Title(strings.Repeat("字", 500)); utf8.RuneCountInString(got) != maxTitle {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
	for _, c := range [][3]string{{"plan.pdf", PDF, "plan.pdf"}, {"plan.PDF", PDF, "plan.PDF"}, {"plan.exe", PDF, "plan.exe.pdf"}, {"photo.jpeg", JPEG, "photo.jpeg"}, {"x", "a/b", "x.bin"}} {
		if got := FileName(c[0], c[1]); got != c[2] {
			t.Errorf("%q of type %s is saved as %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
