import { expect, it } from 'vitest';
import openapiTS, { astToString } from 'openapi-typescript';
import yaml from '../../../openapi.yaml?raw';
import schema from './schema.d.ts?raw';

it('schema.d.ts is what `npm run generate` makes of openapi.yaml', async () => {
  const made = astToString(await openapiTS(yaml));
  expect(schema.slice(schema.indexOf('export interface paths'))).toBe(made);
});
