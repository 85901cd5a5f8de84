package zonefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// The coordinates of GeoJSON are read by hand: the library would turn null into
// 0 and stop at the first element that is no number.

var errNoArray = errors.New("coordinates are not nested as the type asks")

// elements cuts a JSON array, which is known to be valid, into its elements.
func elements(raw json.RawMessage) ([]json.RawMessage, error) {
	i := skipSpace(raw, 0)
	if i == len(raw) || raw[i] != '[' {
		return nil, errNoArray
	}
	var out []json.RawMessage
	depth, start, inString := 0, i+1, false
	for ; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
		case c == ',' && depth == 1:
			out = append(out, raw[start:i])
			start = i + 1
		case c == ']' || c == '}':
			if depth--; depth > 0 {
				continue
			}
			if last := raw[start:i]; len(out) > 0 || skipSpace(last, 0) < len(last) {
				out = append(out, last)
			}
			return out, nil
		}
	}
	return nil, errNoArray
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func readPolygon(raw json.RawMessage) ([][]position, error) {
	rings, err := elements(raw)
	if err != nil {
		return nil, err
	}
	out := make([][]position, len(rings))
	for i, r := range rings {
		if out[i], err = readPositions(r); err != nil {
			return nil, fmt.Errorf("ring %d: %w", i, err)
		}
	}
	return out, nil
}

func readPositions(raw json.RawMessage) ([]position, error) {
	list, err := elements(raw)
	if err != nil {
		return nil, err
	}
	out := make([]position, len(list))
	for i, p := range list {
		out[i] = readPosition(p)
	}
	return out, nil
}

// readPosition reads [longitude, latitude] or [longitude, latitude, height].
func readPosition(raw json.RawMessage) position {
	parts, err := elements(raw)
	if err != nil || len(parts) < 2 {
		return position{bad: "is not a position [longitude, latitude]"}
	}
	var v [3]float64
	for i := range min(len(parts), len(v)) {
		part := parts[i]
		from := skipSpace(part, 0)
		to := from
		for to < len(part) && part[to] > ' ' {
			to++
		}
		if v[i], err = strconv.ParseFloat(string(part[from:to]), 64); err != nil {
			return position{bad: "is not made of numbers"}
		}
	}
	return position{lon: v[0], lat: v[1], height: v[2]}
}
