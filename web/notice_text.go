package web

import (
	"fmt"
	"strings"
	"time"

	"testzone/airspace/notice"
)

// noticeForm is how a kind is called and told. In a text {name}, {what} and {due} stand
// for the object's name, what it is about, and the moment in the zone's time.
type noticeForm struct {
	name, text Words
}

// noticeTexts are the texts of all kinds, for pages and mails.
func noticeTexts() map[notice.Kind]noticeForm {
	return map[notice.Kind]noticeForm{
		notice.PermitSubmitted:      {Words{"Application submitted", "收到申请"}, Words{"“{name}” was submitted and waits for your department", "“{name}”已提交，等待贵部门审查"}},
		notice.PermitToReview:       {Words{"Your department is asked next", "轮到本部门审查"}, Words{"“{name}” has reached your department's step", "“{name}”已进入贵部门的审查步骤"}},
		notice.InformationRequested: {Words{"Information requested", "要求补充材料"}, Words{"A department asks for more about “{name}”: change and submit it again", "有部门要求补充“{name}”的材料：请修改后重新提交"}},
		notice.PermitSigned:         {Words{"A department signed", "部门已签署"}, Words{"A department has signed “{name}”", "有部门已签署“{name}”"}},
		notice.PermitApproved:       {Words{"Permit approved", "许可获批"}, Words{"“{name}” is approved", "“{name}”已获批准"}},
		notice.PermitRefused:        {Words{"Application refused", "申请被拒"}, Words{"“{name}” is refused; the reason stands in its history", "“{name}”被拒绝；理由见其历史记录"}},
		notice.PermitWithdrawn:      {Words{"Application withdrawn", "申请撤回"}, Words{"The applicant has withdrawn “{name}”", "申请人已撤回“{name}”"}},
		notice.PermitWaits:          {Words{"Permit not effective", "许可未能生效"}, Words{"The time of “{name}” has begun, but it is not effective: {what}", "“{name}”的时间已到，但未能生效：{what}"}},
		notice.PermitEffective:      {Words{"Permit effective", "许可生效"}, Words{"“{name}” is effective until {due}", "“{name}”已生效，有效至 {due}"}},
		notice.PermitSuspended:      {Words{"Permit suspended", "许可暂停"}, Words{"“{name}” is suspended: nothing new begins", "“{name}”已暂停：不得开始新的活动"}},
		notice.PermitResumed:        {Words{"Permit resumed", "许可恢复"}, Words{"“{name}” holds again", "“{name}”已恢复"}},
		notice.PermitRevoked:        {Words{"Permit revoked", "许可撤销"}, Words{"“{name}” is revoked for good", "“{name}”已被永久撤销"}},
		notice.PermitExpired:        {Words{"Permit expired", "许可到期"}, Words{"The time of “{name}” is over", "“{name}”已到期"}},
		notice.DeadlineNear:         {Words{"Deadline near", "期限临近"}, Words{"“{name}”: {what} is due at {due}", "“{name}”：{what}将于 {due} 到期"}},
		notice.DeadlineMissed:       {Words{"Deadline missed", "期限已过"}, Words{"“{name}”: {what} was due at {due} and is open: nothing is allowed by silence", "“{name}”：{what}已于 {due} 到期，仍未办理：逾期不视为同意"}},
		notice.PermitEnds:           {Words{"Permit ends soon", "许可即将到期"}, Words{"“{name}” ends at {due}", "“{name}”将于 {due} 到期"}},
		notice.InsuranceEnds:        {Words{"Insurance ends soon", "保险即将到期"}, Words{"The insurance {what} of “{name}” ends at {due}, and with it the permit", "“{name}”的保险 {what} 将于 {due} 到期，许可随之终止"}},

		notice.RestrictionPublished:      {Words{"Restriction published", "发布临时管制"}, Words{"“{name}” affects you: acknowledge it by {due}", "“{name}”与贵单位有关：请在 {due} 前确认"}},
		notice.RestrictionExtended:       {Words{"Restriction extended", "临时管制延长"}, Words{"“{name}” lasts longer: acknowledge it again by {due}", "“{name}”已延长：请在 {due} 前再次确认"}},
		notice.RestrictionEnded:          {Words{"Restriction over", "临时管制结束"}, Words{"“{name}” is over", "“{name}”已结束"}},
		notice.RestrictionUnacknowledged: {Words{"Restriction not acknowledged", "临时管制未确认"}, Words{"{what} has not acknowledged “{name}”, which was due at {due}", "{what} 尚未确认“{name}”，期限为 {due}"}},

		notice.BookingRequested: {Words{"Booking to decide", "待审批的预订"}, Words{"Somebody asks for “{name}” from {due}: approve or refuse it", "有人申请自 {due} 起使用“{name}”：请审批"}},
		notice.BookingApproved:  {Words{"Booking approved", "预订获批"}, Words{"Your booking of “{name}” from {due} is approved", "贵单位自 {due} 起对“{name}”的预订已获批准"}},
		notice.BookingRefused:   {Words{"Booking refused", "预订被拒"}, Words{"Your booking of “{name}” from {due} is refused", "贵单位自 {due} 起对“{name}”的预订被拒绝"}},
		notice.BookingChanged:   {Words{"Booking changed", "预订变更"}, Words{"Your booking of “{name}” now begins at {due}", "贵单位对“{name}”的预订现自 {due} 开始"}},
		notice.BookingCancelled: {Words{"Booking cancelled", "预订取消"}, Words{"Your booking of “{name}” from {due} is cancelled", "贵单位自 {due} 起对“{name}”的预订已取消"}},
		notice.BookingReleased:  {Words{"Booking released", "预订释放"}, Words{"Nobody came to your booking of “{name}” from {due}, or nobody approved it: it is released", "贵单位自 {due} 起对“{name}”的预订无人到场或未获审批，已释放"}},
		notice.BookingDisplaced: {Words{"Booking displaced", "预订被占用"}, Words{"One of higher priority has taken your booking of “{name}” from {due}", "更高优先级的预订占用了贵单位自 {due} 起对“{name}”的预订"}},

		notice.PackEnds: {Words{"Rules end", "规则即将失效"}, Words{"The rule pack {name} holds until {due} and none follows it: no application can be judged after that", "规则包 {name} 有效至 {due}，且无后续规则包：此后无法审查任何申请"}},
	}
}

// noticeWords tells a notice in both languages.
func (s *Server) noticeWords(n *notice.Notice) Words {
	form, ok := noticeTexts()[n.Kind]
	if !ok { // of a newer program
		return Words{string(n.Kind), string(n.Kind)}
	}
	what := s.noticeWhat(n)
	due := ""
	if n.DueUS != 0 {
		at := time.UnixMicro(n.DueUS)
		if loc, err := time.LoadLocation(s.cfg.Register.Zone().TZ); err == nil {
			at = at.In(loc)
		}
		due = at.Format("2006-01-02 15:04 MST")
	}
	fill := func(text, what string) string {
		return strings.NewReplacer("{name}", n.Name, "{what}", what, "{due}", due).Replace(text)
	}
	return Words{fill(form.text.En, what.En), fill(form.text.Zh, what.Zh)}
}

// noticeWhat names what a notice is about: clocks and insurances by the rule packs.
func (s *Server) noticeWhat(n *notice.Notice) Words {
	what := Words{n.What, n.What}
	if n.Kind != notice.DeadlineNear && n.Kind != notice.DeadlineMissed {
		return what
	}
	return s.clockWords(n.What)
}

// clockWords names a clock by the rule packs.
func (s *Server) clockWords(id string) Words {
	all, _, _ := s.cfg.Register.RulePacks()
	for _, pack := range all {
		if c, ok := pack.Clocks[id]; ok && c.Title.En != "" {
			return Words{c.Title.En, c.Title.Zh}
		}
	}
	return Words{id, id}
}

// Letter is a notice as a mail: one line of subject, plain text. The link leads to the
// zone's page, where the reader signs in: the mail itself gives nobody a right.
func (s *Server) Letter(n *notice.Notice, lang, link string) (subject, body string) {
	words, name, zone := s.noticeWords(n), noticeTexts()[n.Kind].name, s.cfg.Register.Zone().Name
	if lang == "zh" {
		return fmt.Sprintf("[%s] %s", zone, name.Zh), fmt.Sprintf("%s。\n\n%s\n\n这是 %s 的自动通知。可在“通知”页面更改接收的种类。\n", words.Zh, link, zone)
	}
	return fmt.Sprintf("[%s] %s", zone, name.En), fmt.Sprintf("%s.\n\n%s\n\nSent by %s of itself. Choose on the page Notifications what is sent to you.\n", words.En, link, zone)
}
