package auth

import (
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
)

// Mail is how a person wants to be written to. It is personal data and is erased with
// the rest.
type Mail struct {
	Address  string   `json:"address,omitempty"`  // empty: nothing is sent
	Language string   `json:"language,omitempty"` // en or zh; default en
	Kinds    []string `json:"kinds,omitempty"`    // of notifications that are sent
}

// maxAddress is the longest address of a mailbox, RFC 5321 section 4.5.3.1.3.
const maxAddress = 254

func (m *Mail) check() error {
	if m.Address == "" {
		return nil
	}
	a, err := netmail.ParseAddress(m.Address)
	// Only the bare address of one mailbox: no name, no comment, no quoted text, which
	// is where headers would be smuggled in.
	if err != nil || a.Name != "" || a.Address != m.Address || len(m.Address) > maxAddress || strings.ContainsAny(m.Address, "\"\\ \t\r\n<>(),;:") {
		return fmt.Errorf("mail address %w: give one such as anna@example.org", ErrPersonal)
	}
	return nil
}

// SetMail sets how a person wants to be written to.
func (s *Secrets) SetMail(person string, m Mail) error {
	if err := m.check(); err != nil {
		return err
	}
	m.Kinds = slices.Clone(m.Kinds)
	return s.change(person, func(v *sealed) error {
		v.Mail = &m
		return nil
	})
}

// Mail is how a person wants to be written to; no address: not at all.
func (s *Secrets) Mail(person string) (m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.people[person]; v != nil && v.Mail != nil {
		m = *v.Mail
	}
	return m
}

// Mailed lists the people who want to be written to of a kind, by id.
func (s *Secrets) Mailed(kind string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, v := range s.people {
		if v.Mail != nil && v.Mail.Address != "" && slices.Contains(v.Mail.Kinds, kind) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
