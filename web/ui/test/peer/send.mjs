// An independent MAVLink peer: node-mavlink encodes a heartbeat, positions and
// a battery state and sends them to the server's open listener over UDP.
import dgram from 'node:dgram';
import { MavLinkProtocolV2, common, minimal } from 'node-mavlink';

const [host, port] = (process.env.TZ_MAVLINK ?? '').split(':');
if (!port) throw new Error('set TZ_MAVLINK to host:port of the open listener');

const protocol = new MavLinkProtocolV2(42, 1);
let seq = 0;

const heartbeat = Object.assign(new minimal.Heartbeat(), {
  type: minimal.MavType.QUADROTOR,
  autopilot: minimal.MavAutopilot.ARDUPILOTMEGA,
  baseMode: minimal.MavModeFlag.SAFETY_ARMED,
  customMode: 4,
  systemStatus: minimal.MavState.ACTIVE,
  mavlinkVersion: 3,
});

const battery = Object.assign(new common.SysStatus(), {
  voltageBattery: 15200,
  currentBattery: 1230,
  batteryRemaining: 76,
});

const position = (timeBootMs) =>
  Object.assign(new common.GlobalPositionInt(), {
    timeBootMs,
    lat: 312304160,
    lon: 1214737010,
    alt: 50000,
    relativeAlt: 45000,
    vx: 100,
    vy: -200,
    vz: 5,
    hdg: 9000,
  });

const socket = dgram.createSocket('udp4');
const send = (message) =>
  new Promise((resolve, reject) =>
    socket.send(protocol.serialize(message, seq++ & 255), Number(port), host, (err) => (err ? reject(err) : resolve())),
  );

await send(heartbeat);
await send(battery);
for (let i = 1; i <= 5; i++) await send(position(123456 + i * 200));
socket.close();
