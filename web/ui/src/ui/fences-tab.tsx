// The fences tab: a chunk of its own, because the first view of the map needs
// nothing of it.

import { setEditorProbe } from '../debug';
import { escapeEditor, shape, shapeFaults, tool } from '../state/fence-editor';
import { act, leaveBatch } from '../state/fence-batch';
import { closeDeleted, deletedOpen } from '../state/fence-deleted';
import { closeImport, importing } from '../state/fence-import';
import { closeVersions, versionsOf } from '../state/fence-versions';
import { editing, onLeave } from '../state/modes';
import { FenceList } from './fence-list';
import { later } from './later';

const FenceEditor = later(() => import('./fence-editor').then((m) => m.FenceEditor));
const VersionsPanel = later(() => import('./fence-versions').then((m) => m.VersionsPanel));
const BatchPanel = later(() => import('./fence-batch').then((m) => m.BatchPanel));
const DeletedPanel = later(() => import('./fence-deleted').then((m) => m.DeletedPanel));
const ImportPanel = later(() => import('./fence-import').then((m) => m.ImportPanel));

for (const leave of [escapeEditor, leaveBatch, closeVersions, closeDeleted, closeImport]) onLeave(leave);
setEditorProbe(() => ({ tool: tool.value, shape: shape.value, faults: shapeFaults.value.map((f) => f.code) }));

export function FencesTab() {
  if (editing.value !== undefined) return <FenceEditor />;
  if (act.value) return <BatchPanel />;
  if (versionsOf.value) return <VersionsPanel />;
  if (deletedOpen.value) return <DeletedPanel />;
  if (importing.value) return <ImportPanel />;
  return <FenceList />;
}
