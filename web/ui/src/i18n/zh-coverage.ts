// 围栏生效情况页面的中文文本。

import type { enCoverage } from './en-coverage';

export const zhCoverage: Record<keyof typeof enCoverage, string> = {
  'coverage.now': '当前围栏生效情况',
  'coverage.count': '已解锁 {armed} 台，其中 {off} 台围栏未生效；另有 {unverified} 台未验证车辆已解锁，围栏不生效',
  'coverage.vehicle': '车辆',
  'coverage.operator': '运营单位',
  'coverage.state': '状态',
  'coverage.fences': '围栏',
  'coverage.applies': '适用围栏',
  'coverage.why': '未生效原因',
  'coverage.since': '自',
  'coverage.armed': '已解锁',
  'coverage.disarmed': '已上锁',
  'coverage.not': '未生效',
  'coverage.enforced': '生效',
  'coverage.wouldNot': '起动后将不生效',
  'coverage.fencesOf': '{enforced} / {apply} 个',
  'coverage.sums': '已解锁车辆的分钟数',
  'coverage.byOperator': '按运营单位',
  'coverage.byVehicle': '按车辆',
  'coverage.minutesOn': '生效（分钟）',
  'coverage.minutesOff': '未生效（分钟）',
  'coverage.file': '下载 CSV',
  'coverage.blind': '无监管时段',
  'coverage.neverBlind': '该时段内没有。',
  'coverage.after.stop': '正常停机后',
  'coverage.after.crash': '异常中断后',
  'coverage.after.unknown': '原因未知',
  'coverage.armedThen': '当时已解锁 {n} 台',
  'enforce.supervision_lost': '无人监管',
};
