// Asks Turf which of the city's fences contain each of many points. It makes the
// fixture of TestTurfFixture, which needs neither Node nor the network:
//
//	go test ./geofence -run TurfFixture -turf-questions /tmp/questions.json
//	cd $(mktemp -d) && npm install @turf/turf@7.4.0 && cp …/geofence/testdata/turf/answers.mjs .
//	node answers.mjs /tmp/questions.json …/geofence/testdata/turf/answers.bin.gz
//
// An answer is the number of fences and then each fence's number, as varints.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { booleanPointInPolygon, bbox } from "@turf/turf";

const { fences, points } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const polygons = fences.map((coordinates) => ({ type: "Polygon", coordinates }));
const boxes = polygons.map((p) => bbox(p));
const bytes = [];
const varint = (n) => {
  for (; n >= 0x80; n >>>= 7) bytes.push((n & 0x7f) | 0x80);
  bytes.push(n);
};
let contained = 0;
for (const [lon, lat] of points) {
  const within = [];
  for (let i = 0; i < polygons.length; i++) {
    const b = boxes[i];
    if (lon >= b[0] && lon <= b[2] && lat >= b[1] && lat <= b[3] && booleanPointInPolygon([lon, lat], polygons[i])) within.push(i);
  }
  contained += within.length;
  varint(within.length);
  for (const i of within) varint(i);
}
writeFileSync(process.argv[3], gzipSync(Buffer.from(bytes), { level: 9 }));
console.log(`${points.length} points, ${polygons.length} fences, ${contained} contained`);
