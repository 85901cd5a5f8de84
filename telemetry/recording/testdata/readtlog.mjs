// Reads a .tlog with node-mavlink, which shares no code with ours, and prints what
// it found: frames, the first and last stamp in ms, frames whose signature a key of
// sevens made, and a digest of all frames. Run in web/ui, whose packages it uses.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const { MavLinkTLogPacketSplitter, MavLinkPacketParser, MavLinkPacketSignature } = require('node-mavlink');

const key = MavLinkPacketSignature.key('');
key.fill(7);
const sum = createHash('sha256');
const found = { frames: 0, first: '', last: '', signed: 0, sum: '' };

createReadStream(process.argv[2])
  .pipe(new MavLinkTLogPacketSplitter())
  .pipe(new MavLinkPacketParser())
  .on('data', (packet) => {
    const stamp = String(packet.header.timestamp);
    found.first ||= stamp;
    found.last = stamp;
    found.frames++;
    if (packet.signature?.matches(key)) found.signed++;
    sum.update(packet.buffer);
  })
  .on('end', () => {
    found.sum = sum.digest('hex');
    console.log(JSON.stringify(found));
  });
