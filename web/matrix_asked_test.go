package web

import (
	"time"
)

// asked is how an operation is called so that only rights can refuse it: query, body
// and more headers. Who is not in it is called without.
func (m *matrix) asked(operation string) (query, body string, header []string) {
	fence := fenceBody("x", square, "")
	switch operation {
	case "signIn":
		return "", `{"token":"` + observerToken + `"}`, []string{"Cookie", ""} // not the end of the caller's session
	case "changePassword": // refused as too weak, when all else is right
		return "", `{"current":"` + testPassword + `","password":"aaaaaaaaaaaaaaa"}`, nil
	case "createKey":
		return "", `{"label":"another","scopes":["zone.read"]}`, nil
	case "createFence":
		return "", fence, nil
	case "replaceFence":
		return "", fence, []string{"If-Match", stale}
	case "previewFence":
		return "", `{"fence":` + fence + `}`, nil
	case "restoreFence":
		return "", `{"rev":1}`, []string{"If-Match", stale}
	case "changeFences":
		return "", `{"changes":[{"op":"create","fence":` + fence + `}]}`, nil
	case "importFences":
		return "?format=geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"f","kind":"keep_out"},"geometry":` + square + `}]}`, nil
	case "exportFences":
		return "?format=geojson", "", nil
	case "emergencyFence":
		return "", `{"center":[121.92,30.9],"radius_m":300,"minutes":5}`, nil
	case "registerVehicle":
		return "", vehicleBody("boat-2", 10), nil
	case "replaceVehicle":
		return "", vehicleChange(9), []string{"If-Match", stale}
	case "setVehicleContact":
		return "", `{"name":"Grace","phone":"+86 21 5555 0100"}`, nil
	case "addVehicleKey", "revokeVehicleKey":
		return "", `{}`, nil
	case "enrolGateway":
		return "", gatewayBody("gw-2", 'b'), nil
	case "replaceGateway":
		return "", `{"name":"Beside the pier"}`, []string{"If-Match", stale}
	case "withdrawVehicle", "revokeGateway":
		return "", "", []string{"If-Match", stale}
	case "setZoneState": // as it is
		return "", `{"state":"open","reason":"drill"}`, nil
	case "signOn":
		return "", `{}`, nil
	case "offerDuty":
		return "", `{"to":"` + m.objects["people"] + `"}`, nil
	case "takeDuty":
		return "", `{"digest":"none"}`, nil
	case "lookAtWay":
		return "?lat=30.9&lon=121.93", "", nil
	case "findRoute":
		return "", routeBody(""), nil
	case "giveOrder":
		return "", `{"kind":"hold","take_over":true}`, nil
	case "proposeTermination":
		return "", `{"vehicle":"boat-1","reason":"drill"}`, nil
	case "confirmTermination":
		return "", `{"vehicle":"boat-1"}`, nil
	case "giveBulkOrder":
		return "", `{"kind":"hold","of":{"all":true},"digest":"none"}`, nil
	case "putPlan":
		return "?dry_run=true", `{"from":"zone"}`, nil
	case "readPlanFile":
		return "", "QGC WPL 110\n0\t1\t3\t16\t0\t0\t0\t0\t30.9\t121.93\t40\t1\n", nil
	case "exportPlans":
		return "?format=plan", "", nil
	case "noteCall":
		return "", `{"outcome":"not_reached"}`, nil
	case "decideEnforcement":
		return "", `{"decision":"let_be","reason":"drill"}`, nil
	case "confirmEnforcement":
		return "", `{"reason":"drill"}`, nil
	case "announcePriority":
		return "", `{"name":"Rescue 1","kind":"helicopter","route":[{"lat":30.9,"lon":121.9}],"course_deg":90,"speed_mps":50}`, nil
	case "changePriority", "endPriority":
		return "", `{}`, []string{"If-Match", stale}
	case "askPermitNeed":
		return "", `{"class":"uav","from":"2100-01-05T09:00:00Z","to":"2100-01-05T10:00:00Z"}`, nil
	case "createPermit":
		return "", permitBody, nil
	case "replacePermit":
		return "", permitBody, []string{"If-Match", stale}
	case "insurePermit":
		return "", `{"insurance":[]}`, []string{"If-Match", stale}
	case "reviewPermit":
		return "", `{"verdict":"approve","doc_hash":"none"}`, nil
	case "submitPermit", "withdrawPermit", "overridePermit", "suspendPermit", "resumePermit", "revokePermit":
		return "?dry_run=true", `{"reason":"drill"}`, nil
	case "reportIncident":
		return "", m.incident(), nil
	case "stateIncident":
		return "", `{"kind":"amendment","text":"more"}`, []string{"If-Match", stale}
	case "liftStandDown", "closeIncident":
		return "", `{"reason":"drill"}`, []string{"If-Match", stale}
	case "submitMonth":
		return "?dry_run=true", `{}`, nil
	case "planActivity":
		return "", `{"title":"run","from":"2100-01-05T09:00:00Z","to":"2100-01-05T09:30:00Z","vehicles":["boat-1"]}`, nil
	case "reportActivity":
		return "?dry_run=true", `{"checked":[]}`, nil
	case "confirmActivity", "activateActivity", "endActivity", "cancelActivity":
		return "?dry_run=true", `{}`, nil
	case "closeActivity":
		return "?dry_run=true", `{"begun":"2026-01-05T09:00:00Z","ended":"2026-01-05T09:30:00Z","takeovers":0,"incidents":false}`, nil
	case "readNotifications":
		return "", `{"up_to":"nt_1"}`, nil
	case "setNotificationSettings":
		return "", `{"address":"","language":"en","kinds":[]}`, nil
	case "sendDocument":
		return documentQuery, documentBody, []string{"Content-Type", "application/pdf"}
	case "createSite":
		return "", siteBody("Pad 2", ""), nil
	case "replaceSite":
		return "", siteBody("Pad 1", "acme"), []string{"If-Match", stale}
	case "createRestriction":
		return "", m.restriction(), nil
	case "extendRestriction":
		return "", `{"to":"2100-01-01T00:00:00Z"}`, []string{"If-Match", stale}
	case "endRestriction", "acknowledgeRestriction":
		return "", `{}`, []string{"If-Match", stale}
	case "createBooking":
		return "", m.booking(4 * time.Hour), nil
	case "changeBooking", "cancelBooking", "arriveAtBooking":
		return "", `{}`, []string{"If-Match", stale}
	case "decideBooking":
		return "", `{"approve":true}`, []string{"If-Match", stale}
	case "deleteSite":
		return "", "", []string{"If-Match", stale}
	case "orderExits":
		return "", `{}`, nil
	case "takeLease":
		return "", `{"take_over":true}`, nil
	case "acknowledgeAlert":
		return "", `{"note":"seen"}`, nil
	case "createOrganisation":
		return "", `{"id":"new","kind":"operator","name":"New"}`, nil
	case "replaceOrganisation":
		return "", `{"name":"acme","disabled":false}`, []string{"If-Match", stale}
	case "moveClock":
		return "", `{"now":"2100-01-01T00:00:00Z"}`, []string{"If-Match", stale}
	case "createPerson":
		return "", `{"organisation":"zone","roles":["observer"],"login":"new","name":"New","subject":""}`, nil
	case "replacePerson":
		return "", `{"organisation":"zone","roles":["auditor"]}`, []string{"If-Match", stale}
	case "replaceProfile":
		return "", `{"login":"target","name":"Target","subject":"sub-target"}`, nil
	case "resetPassword":
		return "", `{"password":"another password"}`, nil
	case "propose":
		return "", m.proposal(), nil
	case "createWebhook":
		return "", `{"url":"https://ops.example.org/events"}`, nil
	case "revokeKey", "deleteFence", "deleteWebhook", "resumeWebhook", "confirmProposal", "withdrawProposal":
		return "", "", []string{"If-Match", stale}
	case "exportRecording":
		return "?listener=" + recordedListener, "", nil
	case "auditInclusion":
		return "?seq=1&size=2", "", nil
	case "auditConsistency":
		return "?old=1&new=2", "", nil
	}
	return "", "", nil
}
