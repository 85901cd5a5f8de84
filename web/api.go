package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"testzone/airspace"
)

// rule says who may call an operation.
type rule struct {
	public bool           // no credential needed
	signed bool           // any signed-in actor
	scope  airspace.Scope // else: this scope,
	also   airspace.Scope // and this one,
	or     airspace.Scope // or, instead of scope, this one
	orElse airspace.Scope // or this one
	limits limits         // of one request
	once   bool           // it takes an Idempotency-Key
	secret bool           // its body has secrets or personal data
	more   bool           // others add parameters to the query
	urgent bool           // who may do it is never told to wait
}

// rules is the table of rights, by operation id. An operation that is not in
// it does not get registered: New fails.
func rules() map[string]rule {
	return map[string]rule{
		"signIn":           {public: true, limits: limits{bytes: maxPublicBytes}},
		"getSession":       {signed: true},
		"signOut":          {signed: true},
		"getZone":          {scope: airspace.ZoneRead},
		"getHealth":        {public: true},
		"getZoneState":     {scope: airspace.ZoneRead},
		"setZoneState":     {scope: airspace.ZoneControl, urgent: true},
		"getCompliance":    {scope: airspace.ZoneRead},
		"getDuty":          {scope: airspace.ZoneRead},
		"signOn":           {scope: airspace.ZoneControl, once: true},
		"signOff":          {scope: airspace.ZoneControl},
		"offerDuty":        {scope: airspace.ZoneControl, once: true},
		"withdrawDuty":     {scope: airspace.ZoneControl},
		"takeDuty":         {scope: airspace.ZoneControl, once: true},
		"listFences":       {scope: airspace.ZoneRead},
		"getFence":         {scope: airspace.ZoneRead},
		"createFence":      {scope: airspace.FenceWrite, once: true},
		"replaceFence":     {scope: airspace.FenceWrite},
		"deleteFence":      {scope: airspace.FenceWrite},
		"previewFence":     {scope: airspace.FenceWrite, also: airspace.ZoneRead},
		"fenceVersions":    {scope: airspace.ZoneRead},
		"fenceEnforcement": {scope: airspace.ZoneRead},
		"restoreFence":     {scope: airspace.FenceWrite, once: true},
		"changeFences":     {scope: airspace.FenceWrite, once: true, limits: limits{bytes: maxBatchBytes, time: fileTimeout}},
		"emergencyFence":   {scope: airspace.FenceEmergency, once: true, urgent: true},
		"importFences":     {scope: airspace.FenceWrite, also: airspace.ZoneRead, once: true, limits: limits{bytes: maxFileBytes, time: fileTimeout, file: true}},
		"exportFences":     {scope: airspace.ZoneRead, limits: limits{time: fileTimeout}},
		"listVehicles":     {scope: airspace.ZoneRead},
		"getVehicle":       {scope: airspace.ZoneRead},
		"listTracks":       {scope: airspace.ZoneRead},
		"getTrack":         {scope: airspace.ZoneRead},
		"listTraffic":      {scope: airspace.ZoneRead},
		"getTraffic":       {scope: airspace.ZoneRead},
		"listAlerts":       {scope: airspace.ZoneRead},
		"getAlert":         {scope: airspace.ZoneRead},
		"acknowledgeAlert": {scope: airspace.ZoneControl, once: true},
		"listWebhooks":     {scope: airspace.Admin},
		"getWebhook":       {scope: airspace.Admin},
		"createWebhook":    {scope: airspace.Admin, once: true, secret: true},
		"deleteWebhook":    {scope: airspace.Admin},
		"resumeWebhook":    {scope: airspace.Admin},
		"auditCheckpoint":  {scope: airspace.AuditRead},
		"auditInclusion":   {scope: airspace.AuditRead},
		"auditConsistency": {scope: airspace.AuditRead},
		"searchAudit":      {scope: airspace.AuditRead},
		"exportAudit":      {scope: airspace.AuditRead, limits: limits{time: fileTimeout}},
		"listRecordings":   {scope: airspace.AuditRead, or: airspace.ZoneControl},
		"exportRecording":  {scope: airspace.AuditRead, or: airspace.ZoneControl, orElse: airspace.VehicleRegister, limits: limits{time: recordingTimeout}}, // an operator what its own vehicles sent
		liveOperation:      {scope: airspace.ZoneRead},
		eventsOperation:    {scope: airspace.ZoneRead},

		"changePassword":    {signed: true},
		"signInWays":        {public: true},
		"startOIDC":         {public: true},
		"finishOIDC":        {public: true, more: true}, // identity providers send what they like
		"registerVehicle":   {scope: airspace.VehicleRegister, once: true, secret: true},
		"replaceVehicle":    {scope: airspace.VehicleRegister},
		"withdrawVehicle":   {scope: airspace.VehicleRegister},
		"setVehicleContact": {scope: airspace.VehicleRegister},
		"listVehicleKeys":   {scope: airspace.VehicleRegister, or: airspace.ZoneControl},
		"addVehicleKey":     {scope: airspace.VehicleRegister, once: true, secret: true},
		"rotateVehicleKeys": {scope: airspace.VehicleRegister, once: true},
		"revokeVehicleKey":  {scope: airspace.VehicleRegister, or: airspace.ZoneControl, once: true},
		"listGateways":      {scope: airspace.VehicleRegister, or: airspace.ZoneControl},
		"getGateway":        {scope: airspace.VehicleRegister, or: airspace.ZoneControl},
		"enrolGateway":      {scope: airspace.VehicleRegister, once: true},
		"replaceGateway":    {scope: airspace.VehicleRegister},
		"revokeGateway":     {scope: airspace.VehicleRegister, or: airspace.ZoneControl},

		"giveOrder":           {scope: airspace.VehicleCommand, once: true, urgent: true},
		"listOrders":          {scope: airspace.ZoneRead},
		"lookAtWay":           {scope: airspace.ZoneRead},
		"getCoverage":         {scope: airspace.ZoneRead},
		"getCoverageGrid":     {scope: airspace.ZoneRead},
		"exportCoverage":      {scope: airspace.ZoneRead},
		"listVehicleOrders":   {scope: airspace.ZoneRead},
		"listTerminations":    {scope: airspace.ZoneRead},
		"proposeTermination":  {scope: airspace.ZoneControl, once: true, urgent: true},
		"confirmTermination":  {scope: airspace.ZoneControl, once: true, urgent: true},
		"withdrawTermination": {scope: airspace.ZoneControl, urgent: true},

		"giveBulkOrder":   {scope: airspace.VehicleCommand, once: true, urgent: true},
		"listBulkOrders":  {scope: airspace.ZoneRead},
		"getBulkOrder":    {scope: airspace.ZoneRead},
		"cancelBulkOrder": {scope: airspace.VehicleCommand, urgent: true},
		"listCalls":       {scope: airspace.ZoneRead},
		"noteCall":        {scope: airspace.VehicleCommand, urgent: true},
		"takeLease":       {scope: airspace.VehicleCommand},
		"giveUpLease":     {scope: airspace.VehicleCommand},

		"listPlans":    {scope: airspace.ZoneRead},
		"getPlan":      {scope: airspace.ZoneRead},
		"putPlan":      {scope: airspace.VehicleCommand, limits: limits{bytes: maxBatchBytes, time: fileTimeout}},
		"readPlanFile": {scope: airspace.VehicleCommand, limits: limits{bytes: maxFileBytes, time: fileTimeout, file: true}},
		"exportPlans":  {scope: airspace.ZoneRead},
		"clearPlan":    {scope: airspace.VehicleCommand},
		"readPlan":     {scope: airspace.VehicleCommand},

		"listEnforcement":        {scope: airspace.ZoneRead},
		"listVehicleEnforcement": {scope: airspace.ZoneRead},
		"decideEnforcement":      {scope: airspace.ZoneControl, once: true, urgent: true},
		"confirmEnforcement":     {scope: airspace.ZoneControl, once: true, urgent: true},

		"listPriorities":   {scope: airspace.ZoneRead},
		"getPriority":      {scope: airspace.ZoneRead},
		"announcePriority": {scope: airspace.ZoneControl, once: true, urgent: true},
		"changePriority":   {scope: airspace.ZoneControl, urgent: true},
		"endPriority":      {scope: airspace.ZoneControl, once: true},
		"orderExits":       {scope: airspace.VehicleCommand, once: true, urgent: true},

		"listRulePacks":   {scope: airspace.ZoneRead},
		"listDisclosures": {scope: airspace.ZoneRead},
		"listPermits":     {scope: airspace.ZoneRead}, // one's own; departments, controllers and auditors what was submitted
		"getPermit":       {scope: airspace.ZoneRead},
		"assessPermit":    {scope: airspace.ZoneRead},
		"listReviews":     {scope: airspace.ZoneRead}, // who has no desk has an empty one
		"createPermit":    {scope: airspace.PermitApply, once: true},
		"replacePermit":   {scope: airspace.PermitApply},
		"insurePermit":    {scope: airspace.PermitApply},
		"submitPermit":    {scope: airspace.PermitApply, once: true},
		"withdrawPermit":  {scope: airspace.PermitApply, once: true},
		"reviewPermit":    {scope: airspace.PermitReview, once: true},
		"overridePermit":  {scope: airspace.ZoneControl, once: true},
		"suspendPermit":   {scope: airspace.PermitDecide, or: airspace.ZoneControl, once: true},
		"resumePermit":    {scope: airspace.PermitDecide, once: true},
		"revokePermit":    {scope: airspace.PermitDecide, once: true},

		"listNotifications":       {signed: true}, // one's own
		"listNotificationKinds":   {signed: true},
		"listMissedClocks":        {scope: airspace.AuditRead, or: airspace.ZoneControl},
		"readNotifications":       {signed: true},
		"getNotificationSettings": {signed: true}, // of a person, not of its keys
		"setNotificationSettings": {signed: true, secret: true},

		"listSites":        {scope: airspace.ZoneRead},
		"getSite":          {scope: airspace.ZoneRead},
		"createSite":       {scope: airspace.ZoneControl, once: true},
		"replaceSite":      {scope: airspace.ZoneControl, or: airspace.PermitApply}, // its owner
		"deleteSite":       {scope: airspace.ZoneControl, or: airspace.PermitApply},
		"siteAvailability": {scope: airspace.ZoneRead},
		"listBookings":     {scope: airspace.ZoneRead},
		"getBooking":       {scope: airspace.ZoneRead},
		"createBooking":    {scope: airspace.ZoneControl, or: airspace.PermitApply, once: true},
		"changeBooking":    {scope: airspace.ZoneControl, or: airspace.PermitApply},
		"cancelBooking":    {scope: airspace.ZoneControl, or: airspace.PermitApply},
		"decideBooking":    {scope: airspace.ZoneControl, or: airspace.PermitApply}, // the site's owner
		"arriveAtBooking":  {scope: airspace.ZoneControl, or: airspace.PermitApply},

		"listRestrictions":       {scope: airspace.ZoneRead},
		"getRestriction":         {scope: airspace.ZoneRead},
		"createRestriction":      {scope: airspace.ZoneControl, once: true, urgent: true},
		"extendRestriction":      {scope: airspace.ZoneControl, urgent: true},
		"endRestriction":         {scope: airspace.ZoneControl},
		"acknowledgeRestriction": {scope: airspace.ZoneControl, or: airspace.PermitApply},

		"listOrganisations":   {scope: airspace.ZoneRead},
		"getOrganisation":     {scope: airspace.ZoneRead},
		"createOrganisation":  {scope: airspace.Admin, once: true},
		"replaceOrganisation": {scope: airspace.Admin},
		"getClock":            {scope: airspace.ZoneRead},
		"moveClock":           {scope: airspace.PermitApply, or: airspace.PermitReview, orElse: airspace.Admin}, // one's own; an administrator all
		"listPeople":          {scope: airspace.Admin, or: airspace.AuditRead},
		"getPerson":           {signed: true}, // oneself; others need what listPeople needs
		"createPerson":        {scope: airspace.Admin, once: true, secret: true},
		"replacePerson":       {scope: airspace.Admin},
		"replaceProfile":      {scope: airspace.Admin},
		"resetPassword":       {scope: airspace.Admin, once: true, secret: true},
		"listKeys":            {signed: true},                           // one's own; an administrator sees all
		"getKey":              {signed: true},                           // likewise
		"createKey":           {signed: true, once: true, secret: true}, // with rights that one has
		"revokeKey":           {signed: true},                           // one's own; an administrator all
		"listProposals":       {scope: airspace.Admin, or: airspace.AuditRead},
		"getProposal":         {scope: airspace.Admin, or: airspace.AuditRead},
		"propose":             {scope: airspace.Admin, once: true},
		"confirmProposal":     {scope: airspace.Admin, once: true},
		"withdrawProposal":    {scope: airspace.Admin},
	}
}

// authorise applies a rule to a request.
func (s *Server) authorise(r *http.Request, to rule) (airspace.Actor, error) {
	if to.public {
		return airspace.Actor{}, nil
	}
	actor, err := s.cfg.Auth.FromRequest(r)
	if err != nil {
		return airspace.Actor{}, err
	}
	may := actor.May(to.scope) || to.or != "" && actor.May(to.or) || to.orElse != "" && actor.May(to.orElse)
	if !to.signed && (!may || to.also != "" && !actor.May(to.also)) {
		return actor, errForbidden
	}
	return actor, nil
}

type actorKey struct{}

// actorOf is who makes the call.
func actorOf(ctx context.Context) airspace.Actor {
	a, _ := ctx.Value(actorKey{}).(airspace.Actor)
	return a
}

type httpRequestKey struct{}

// requestOf is the HTTP request of the call, for what is about the connection.
func requestOf(ctx context.Context) *http.Request {
	return ctx.Value(httpRequestKey{}).(*http.Request)
}

// endpoint registers one operation: rights before anything is read, errors by
// the table of problems.
func endpoint[I, O any](s *Server, api huma.API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	to, ok := rules()[op.OperationID]
	if !ok {
		panic("operation " + op.OperationID + " has no rule of who may call it")
	}
	op.MaxBodyBytes = maxFileBytes + 1 // readBody is the limit
	op.BodyReadTimeout = -1            // as setDeadlines says
	op.RejectUnknownQueryParameters = !to.more
	if !slices.Contains(op.Errors, http.StatusTooManyRequests) {
		op.Errors = append(slices.Clone(op.Errors), http.StatusTooManyRequests)
	}
	if to.public {
		op.Security = []map[string][]string{{}}
	}
	if s.cfg.Answered != nil {
		op.Middlewares = append(op.Middlewares, s.observed(op.OperationID))
	}
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		actor, err := s.authorise(r, to)
		if err == nil && !to.public && !to.urgent {
			err = s.principals.take(actor.ID, s.cfg.Clock())
		}
		if err != nil {
			s.refuse(w, r, op.OperationID, actor, s.problemOf(r.Context(), err))
			return
		}
		limit := cmp.Or(to.limits.time, requestTimeout)
		setDeadlines(w, limit)
		body, problem := readBody(w, r, to.limits)
		if problem != nil {
			writeProblem(w, problem)
			return
		}
		timed, cancel := context.WithTimeout(ctx.Context(), limit)
		defer cancel()
		ctx = huma.WithContext(ctx, timed)
		ctx = huma.WithValue(ctx, httpRequestKey{}, r)
		ctx = huma.WithValue(ctx, actorKey{}, actor)
		if to.once {
			s.onlyOnce(ctx, actor, to, body, next)
			return
		}
		next(ctx)
	})
	if to.once {
		op.Parameters = append(op.Parameters, idempotencyParam())
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			problem := s.problemOf(ctx, err)
			problem.hidden = errors.Is(err, errHidden) || errors.Is(err, airspace.ErrOthers)
			s.tellRefusal(requestOf(ctx), op.OperationID, actorOf(ctx), problem)
			return nil, problem
		}
		s.tellDone(requestOf(ctx), op.OperationID, actorOf(ctx))
		return out, nil
	})
}

// build puts the server together.
func (s *Server) build() (err error) {
	mux := http.NewServeMux()
	api := s.newAPI(mux)
	s.sessionEndpoints(api)
	s.zoneEndpoints(api)
	s.zoneStateEndpoints(api)
	s.dutyEndpoints(api)
	s.vehicleEndpoints(api)
	s.vehicleKeyEndpoints(api)
	s.gatewayEndpoints(api)
	s.orderEndpoints(api)
	s.bulkEndpoints(api)
	s.callEndpoints(api)
	s.planEndpoints(api)
	s.planFileEndpoints(api)
	s.ladderEndpoints(api)
	s.coverageEndpoints(api)
	s.priorityEndpoints(api)
	s.permitEndpoints(api)
	s.reviewEndpoints(api)
	s.siteEndpoints(api)
	s.bookingEndpoints(api)
	s.restrictionEndpoints(api)
	s.fenceEndpoints(api)
	s.fenceChangeEndpoints(api)
	s.fenceFileEndpoints(api)
	s.fenceEnforcementEndpoint(api)
	s.trackEndpoints(api)
	s.trafficEndpoints(api)
	s.alertEndpoints(api)
	s.webhookEndpoints(api)
	s.notificationEndpoints(api)
	s.auditEndpoints(api)
	s.recordingEndpoints(api)
	s.oidcEndpoints(api)
	s.organisationEndpoints(api)
	s.clockEndpoints(api)
	s.personEndpoints(api)
	s.keyEndpoints(api)
	s.proposalEndpoints(api)
	s.terminationEndpoints(api)
	documentLive(api.OpenAPI())
	documentEvents(api.OpenAPI())
	documentPages(api.OpenAPI())
	documentDryRuns(api.OpenAPI())
	if s.spec, err = specYAML(api.OpenAPI()); err != nil {
		return err
	}
	mux.HandleFunc("GET "+livePath, s.serveLive)
	mux.HandleFunc("GET "+eventsPath, s.serveEvents)
	if err := s.docsRoutes(mux, api.OpenAPI()); err != nil {
		return err
	}
	if err := s.pageRoutes(mux); err != nil {
		return err
	}
	s.handler, err = s.protect(unmatched(mux))
	return err
}

func (s *Server) newAPI(mux *http.ServeMux) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	// Not the framework's default configuration: that one adds a documentation
	// page from another host and schema links made of the Host header.
	return humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "testzone",
				Version: "1",
				Description: "Operations server of a test zone for drones, intelligent connected vehicles and unmanned boats. " +
					"Errors are application/problem+json; positions WGS-84 degrees; heights metres with their datum; times RFC 3339 UTC.",
			},
			Servers:  []*huma.Server{{URL: "/"}},
			Security: []map[string][]string{{"bearer": {}}, {"session": {}}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer":  {Type: "http", Scheme: "bearer"},
					"session": {Type: "apiKey", In: "cookie", Name: sessionCookie},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{problemTransformer, linkTransformer},
	})
}
