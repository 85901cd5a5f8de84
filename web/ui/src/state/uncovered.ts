// The vehicles that the coverage layer marks: armed, and their fences not enforced.

import { signal } from '@preact/signals';

export const uncovered = signal<ReadonlySet<string>>(new Set());
