package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Profile is the personal data of one person.
type Profile struct {
	Login   string // name to sign in with; compared without case; empty: no password sign-in
	Name    string // display name
	Subject string // of the identity provider; empty: not linked
}

// SetProfile sets a person's personal data.
func (s *Secrets) SetProfile(person string, p Profile) error {
	if err := p.check(); err != nil {
		return err
	}
	return s.change(person, func(v *sealed) error {
		if holder, taken := s.logins[fold(p.Login)]; taken && holder != person {
			return fmt.Errorf("login %q: %w", p.Login, ErrLoginTaken)
		}
		if holder, taken := s.subjects[p.Subject]; taken && holder != person {
			return fmt.Errorf("subject %q: %w", p.Subject, ErrLoginTaken)
		}
		v.Login, v.Name, v.Subject = p.Login, p.Name, p.Subject
		return nil
	})
}

// Profile is a person's personal data; empty when there is none, or no longer.
func (s *Secrets) Profile(person string) Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.people[person]
	if v == nil {
		return Profile{}
	}
	return Profile{Login: v.Login, Name: v.Name, Subject: v.Subject}
}

// Free reports an ErrLoginTaken when another person has the login or subject:
// to be asked before a person is made.
func (s *Secrets) Free(p Profile) error {
	if err := p.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.logins[fold(p.Login)]; taken {
		return fmt.Errorf("login %q: %w", p.Login, ErrLoginTaken)
	}
	if _, taken := s.subjects[p.Subject]; taken {
		return fmt.Errorf("subject %q: %w", p.Subject, ErrLoginTaken)
	}
	return nil
}

const (
	maxLogin   = 64  // characters
	maxName    = 120 // characters
	maxSubject = 255 // bytes, OpenID Connect Core section 2
)

func (p Profile) check() error {
	for _, part := range []struct {
		what, text string
		limit      int
	}{{"login", p.Login, maxLogin}, {"name", p.Name, maxName}, {"subject", p.Subject, maxSubject}} {
		if utf8.RuneCountInString(part.text) > part.limit || !utf8.ValidString(part.text) ||
			strings.ContainsFunc(part.text, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) {
			return fmt.Errorf("%s %w: at most %d characters, none of them a control or direction mark", part.what, ErrPersonal, part.limit)
		}
	}
	if strings.ContainsFunc(fold(p.Login), func(c rune) bool { return !strings.ContainsRune(loginChars, c) }) {
		return fmt.Errorf("login %w: use letters a to z, digits and . _ - + @", ErrPersonal)
	}
	return nil
}

// fold makes login names that differ in case be the same.
func fold(login string) string { return strings.ToLower(login) }

// loginChars keeps login names from looking alike: no other alphabets.
const loginChars = "abcdefghijklmnopqrstuvwxyz0123456789._-+@"
