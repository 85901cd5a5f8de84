package notice

// Kind is what happened. Its names are those of the journal's events, so that
// webhooks ask for them by the same name.
type Kind string

// The kinds. To add one: name it here, give it a text, and derive it where its entry
// is taken in.
const (
	PermitSubmitted      Kind = "permit.submitted" // to the departments that are asked first
	PermitToReview       Kind = "permit.to_review" // to those that are asked next
	InformationRequested Kind = "permit.information_requested"
	PermitSigned         Kind = "permit.signed" // one of several signatures
	PermitApproved       Kind = "permit.approved"
	PermitRefused        Kind = "permit.refused"
	PermitWithdrawn      Kind = "permit.withdrawn"
	PermitWaits          Kind = "permit.waits" // its time began and something is missing
	PermitEffective      Kind = "permit.effective"
	PermitSuspended      Kind = "permit.suspended"
	PermitResumed        Kind = "permit.resumed"
	PermitRevoked        Kind = "permit.revoked"
	PermitExpired        Kind = "permit.expired"
	DeadlineNear         Kind = "permit.clock_warned"
	DeadlineMissed       Kind = "permit.clock_missed"
	PermitEnds           Kind = "permit.ends_soon"
	InsuranceEnds        Kind = "permit.insurance_ends"

	RestrictionPublished      Kind = "restriction.published"
	RestrictionExtended       Kind = "restriction.extended"
	RestrictionEnded          Kind = "restriction.ended"
	RestrictionUnacknowledged Kind = "restriction.unacknowledged"

	BookingRequested Kind = "booking.made" // that the site's owner has to decide
	BookingApproved  Kind = "booking.approved"
	BookingRefused   Kind = "booking.refused"
	BookingChanged   Kind = "booking.changed"
	BookingCancelled Kind = "booking.cancelled"
	BookingReleased  Kind = "booking.no_show"
	BookingDisplaced Kind = "booking.displaced" // by one of higher priority

	PackEnds Kind = "rules.pack_ends"
)

// Kinds lists the kinds, in the order in which people choose among them.
func Kinds() []Kind {
	return []Kind{
		PermitSubmitted, PermitToReview, InformationRequested, PermitSigned, PermitApproved, PermitRefused, PermitWithdrawn, PermitWaits, PermitEffective,
		PermitSuspended, PermitResumed, PermitRevoked, PermitExpired, DeadlineNear, DeadlineMissed, PermitEnds, InsuranceEnds,
		RestrictionPublished, RestrictionExtended, RestrictionEnded, RestrictionUnacknowledged,
		BookingRequested, BookingApproved, BookingRefused, BookingChanged, BookingCancelled, BookingReleased, BookingDisplaced,
		PackEnds,
	}
}
