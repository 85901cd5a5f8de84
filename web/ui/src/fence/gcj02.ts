// GCJ-02, the shifted datum of Chinese map services, to WGS-84: for coordinates that
// were copied from such a map. Inside everything is WGS-84.

import gcoord from 'gcoord';
import { lattice, type LonLat } from './shape';

export function toWgs84(p: LonLat): LonLat {
  const [lon, lat] = gcoord.transform([p[0], p[1]], gcoord.GCJ02, gcoord.WGS84);
  return [lattice(lon!), lattice(lat!)];
}
