package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"testzone/airspace/notice"
	"testzone/airspace/permit"
	"testzone/telemetry"
	"testzone/vehicles"
	"testzone/web"
	"testzone/web/notify/mail"
)

// smtpConfig is how notifications are sent by mail; without addr none is.
type smtpConfig struct {
	Addr     string `yaml:"addr"` // host:port
	From     string `yaml:"from"`
	Username string `yaml:"username"`
	// PasswordFile has the password in its first line, so that it stands in no
	// configuration and no environment.
	PasswordFile string `yaml:"password_file"`
	TLS          string `yaml:"tls"` // starttls, which is the default, tls, or none to this machine
	URL          string `yaml:"url"` // of the zone's page as its people reach it, for links; default the address that is listened on
}

// mailer is what is configured, with the password.
func (c *smtpConfig) mailer() (mail.Config, error) {
	out := mail.Config{Addr: c.Addr, From: c.From, Username: c.Username, TLS: mail.Policy(c.TLS)}
	if c.PasswordFile != "" {
		raw, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return out, fmt.Errorf("smtp.password_file: %w", err)
		}
		out.Password, _, _ = strings.Cut(strings.TrimRight(string(raw), "\r\n"), "\n")
	}
	return out, nil
}

func (c *smtpConfig) check(bad func(format string, args ...any)) {
	if c.Addr == "" {
		if *c != (smtpConfig{}) {
			bad("smtp.addr is empty: name the mail server, such as mail.example.org:587, or leave smtp out")
		}
		return
	}
	cfg, err := c.mailer()
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		bad("smtp: %w", err)
	}
}

// newMailer reads the letters that are left to send; nil when none are sent.
func (s *server) newMailer() (*mail.Mailer, error) {
	if s.cfg.SMTP.Addr == "" {
		return nil, nil
	}
	cfg, err := s.cfg.SMTP.mailer()
	if err != nil {
		return nil, err
	}
	cfg.Path, cfg.Begin, cfg.Logger = filepath.Join(s.cfg.DataDir, "mail.json"), s.register.NewestNotice(), s.cfg.log
	cfg.Next, cfg.Write = s.nextLetters, s.writeLetter
	return mail.New(cfg)
}

// nextLetters are who wants to be written to of the notices behind an id.
func (s *server) nextLetters(after uint64, limit int) (out []mail.Letter, next uint64) {
	next = after
	for _, n := range s.register.NoticesAfter(after, limit) {
		next = n.ID
		for _, person := range s.auth.Secrets().Mailed(string(n.Kind)) {
			if s.register.NoticeFor(&n, person) {
				out = append(out, mail.Letter{Notice: n.ID, Person: person})
			}
		}
	}
	return out, next
}

// writeLetter makes a letter for a person as it is now: whoever lost the right, the
// address or the wish meanwhile gets none.
func (s *server) writeLetter(l mail.Letter) (mail.Message, bool) {
	n, there := s.register.Notice(l.Notice)
	to := s.auth.Secrets().Mail(l.Person)
	if !there || to.Address == "" || !s.register.NoticeFor(&n, l.Person) {
		return mail.Message{}, false
	}
	link := s.cfg.SMTP.URL
	if link == "" {
		link = s.url()
	}
	subject, body := s.web.Letter(&n, to.Language, link)
	return mail.Message{To: to.Address, Subject: subject, Body: body}, true
}

// noticed tells pages and the mailer of new notices.
func (s *server) noticed(list []notice.Notice) {
	s.bus.Publish(time.Now().UnixMicro(), web.NotificationChange(list))
	if s.mailer != nil {
		s.mailer.Wake()
	}
}

// noticeTick is how often it is looked what came with time.
const noticeTick = 10 * time.Second

// tendNotices tells what comes with time, and has somebody called for a clock of the day
// that was missed, until ctx ends. With a clock that is behind nothing comes: what was
// told of a false time cannot be taken back (SAFETY 10).
func (s *server) tendNotices(ctx context.Context) error {
	tick := time.NewTicker(noticeTick)
	defer tick.Stop()
	called := s.openEscalations()
	for {
		if s.clockBehind() == 0 {
			if err := s.register.TickNotices(ctx); err != nil && ctx.Err() == nil {
				s.cfg.log.Warn("what comes with time was not told; tried again", "err", err)
			}
			s.escalate(called)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// openEscalations are the calls that the start before this one left open.
func (s *server) openEscalations() map[string]calledFor {
	out := map[string]calledFor{}
	for _, a := range s.book.Alerts(telemetry.WholeZone(), false) {
		if a.Type == telemetry.CallPerson && a.Source == telemetry.CallDeadline && a.ClearedUS == 0 {
			v := a.Vehicle
			class, _ := vehicles.ParseClass(v.Class)
			out[string(v.ID)] = calledFor{&vehicles.Identity{ID: v.ID, Name: v.Name, Class: class, Operator: v.Operator, Verified: v.Verified}, a.Why}
		}
	}
	return out
}

// escalate has controllers call for each permit whose clock of the day was missed, until
// somebody decides or its time is over.
func (s *server) escalate(called map[string]calledFor) {
	need := map[string]calledFor{}
	for _, e := range s.register.Escalations() {
		if len(e.Permit.Application.Vehicles) == 0 {
			continue // the notice of the zone tells of it
		}
		id := e.Permit.Application.Vehicles[0]
		if _, other := need[string(id)]; other {
			continue
		}
		v := &vehicles.Identity{ID: id, Name: string(id), Operator: e.Permit.Org, Verified: true}
		if reg, ok := s.registry.Registration(id); ok {
			v.Name, v.Class = reg.Name, reg.Class
		}
		need[string(id)] = calledFor{v, s.whyEscalated(e.Permit, e.Clock, e.Asked)}
	}
	s.callFor(called, need, telemetry.CallDeadline, "decided, or its time is over")
}

func (s *server) whyEscalated(p permit.Permit, c permit.Clock, asked []string) string {
	loc, err := time.LoadLocation(s.cfg.Zone.TZ)
	if err != nil {
		loc = time.UTC
	}
	at := func(us int64) string { return time.UnixMicro(us).In(loc).Format("15:04") }
	who := strings.Join(asked, ", ")
	if who == "" {
		who = "the department"
	}
	return fmt.Sprintf("%s has not decided on permit %s by %s (%s), planned start %s: call %s, then tell the applicant; nothing is allowed by silence",
		who, p.ID, at(c.DueUS), c.ID, at(p.Application.FromUS), who)
}
