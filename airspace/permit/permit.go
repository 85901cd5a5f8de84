// Package permit decides what becomes of applications for test permits: which
// items are missing, who has to sign, what a signature does, until when, and what
// an effective permit allows (Articles 43, 44 and 65; reference rules come from
// the packs of airspace/rules).
//
// An Act is asked against a Permit, a moment and a rule pack; it yields the
// permit as it is after it, or an error that names the rule. Nothing is read from
// clocks and nothing random is made here: who proposes an act fixes both, so that a
// replay of the journal builds the same Book. A permit is approved only when every
// department that the pack requires signed the revision at hand; silence is never
// consent. Where another authority grants an airspace, its decision is recorded
// with its reference; nothing here claims it.
//
// Times are microseconds since the Unix epoch, heights millimetres with their datum,
// speeds m/s, sums CNY. A Book belongs to whoever locks it; its answers are copies.
package permit
