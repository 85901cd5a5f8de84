package web

import (
	"fmt"
	"strings"
	"testing"
)

func vehicleChange(system int) string {
	return fmt.Sprintf(`{"name":"Boat","class":"usv","operator":"acme","mavlink":{"listener":"signed","system_id":%d,"autopilot":"ardupilot"}}`, system)
}

func vehicleBody(id string, system int) string {
	return fmt.Sprintf(`{"id":%q,%s`, id, vehicleChange(system)[1:])
}

func gatewayBody(id string, digit byte) string {
	return fmt.Sprintf(`{"id":%q,"name":"Gateway","operator":"acme","fingerprint":%q}`, id, strings.Repeat(string(digit), 64))
}

func TestX(t *testing.T) {}
