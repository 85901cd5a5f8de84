package journal

// point names a place between two steps that a crash can separate. Tests end the
// process or cut the power there; the program does nothing at any of them.
type point string

const (
	pointWrite   point = "commit: before the write"
	pointWritten point = "commit: written, not synced"
	pointSynced  point = "commit: synced, not answered"

	pointFull           point = "seal: before the footer"
	pointFooter         point = "seal: footer written"
	pointFooterSynced   point = "seal: footer synced"
	pointTruncated      point = "seal: truncated"
	pointSealed         point = "seal: file synced"
	pointCreated        point = "begin: file created"
	pointAllocated      point = "begin: allocated"
	pointHeader         point = "begin: header written"
	pointHeaderSynced   point = "begin: header synced"
	pointFolderSynced   point = "begin: folder synced"
	pointMark           point = "watermark: written"
	pointMarkSynced     point = "watermark: synced"
	pointSnapCreated    point = "snapshot: file created"
	pointSnapWritten    point = "snapshot: written"
	pointSnapSynced     point = "snapshot: synced"
	pointSnapRenamed    point = "snapshot: renamed"
	pointSnapFolder     point = "snapshot: folder synced"
	pointSnapOldRemoved point = "snapshot: an old one removed"
)

// reach is called at a point.
func (c *committer) reach(p point) {
	if c.reached != nil {
		c.reached(p)
	}
}
