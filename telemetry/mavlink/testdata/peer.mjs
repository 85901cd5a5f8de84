// An independent MAVLink peer: node-mavlink, which shares no code with ours or with
// gomavlib. Run in web/ui, whose packages it uses. The key is 32 bytes of 7.
//   node peer.mjs sign <unix ms>   writes 600 signed frames of a vehicle to stdout
//   node peer.mjs verify           reads frames from stdin, says what they are
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const { MavLinkPacketParser, MavLinkPacketSplitter, MavLinkPacketSignature, MavLinkProtocolV2, common, minimal } = require('node-mavlink');

const key = MavLinkPacketSignature.key('').fill(7);

const make = (Message, fields) => Object.assign(new Message(), fields);

function vehicleSays(i) {
  switch (i % 6) {
    case 0:
      return make(minimal.Heartbeat, { type: 2, autopilot: 3, baseMode: 81, customMode: 4, systemStatus: 4, mavlinkVersion: 3 });
    case 1:
      return make(common.GlobalPositionInt, {
        timeBootMs: 1000 + i, lat: 312304160 + i, lon: 1214737010 - i, alt: 50000, relativeAlt: 45000, vx: 100, vy: -200, vz: 5, hdg: 9000,
      });
    case 2:
      return make(common.Attitude, { timeBootMs: 1000 + i, roll: 0.5, pitch: 0.25, yaw: -1.25, rollspeed: 0, pitchspeed: 0, yawspeed: 0 });
    case 3:
      return make(common.StatusText, { severity: 6, text: `text ${i}`, id: 0, chunkSeq: 0 });
    case 4:
      return make(common.MissionItemInt, {
        targetSystem: 250, targetComponent: 190, seq: i, frame: 5, command: 5001, current: 0, autocontinue: 1,
        param1: 4, param2: 0, param3: 0, param4: 0, x: 312304160, y: 1214737010, z: 0, missionType: 1,
      });
    default:
      return make(common.ParamValue, { paramId: 'RTL_ALT', paramValue: 3000 + i, paramType: 9, paramCount: 1, paramIndex: 0 });
  }
}

function sign(ms) {
  const protocol = new MavLinkProtocolV2(7, 1, MavLinkProtocolV2.IFLAG_SIGNED);
  const frames = [];
  for (let i = 0; i < 600; i++) {
    frames.push(protocol.sign(protocol.serialize(vehicleSays(i), i % 256), 5, key, ms + i)); // 1 ms is its resolution
  }
  process.stdout.write(Buffer.concat(frames));
}

function verify() {
  const found = { crcErrors: 0, packets: [] };
  const classes = { ...minimal.REGISTRY, ...common.REGISTRY };
  process.stdin
    .pipe(new MavLinkPacketSplitter({}, { onCrcError: () => found.crcErrors++ }))
    .pipe(new MavLinkPacketParser())
    .on('data', (packet) => {
      const { header, buffer, signature } = packet;
      const item = packet.protocol.data(packet.payload, classes[header.msgid]);
      found.packets.push({
        id: header.msgid, sys: header.sysid, comp: header.compid, seq: header.seq,
        right: signature !== null && signature.matches(key), link: signature?.linkId,
        stamp: buffer.readUIntLE(buffer.length - 12, 6), item: item.seq, x: item.x, y: item.y, command: item.command,
      });
    })
    .on('end', () => console.log(JSON.stringify(found)));
}

if (process.argv[2] === 'sign') sign(Number(process.argv[3]));
else verify();
