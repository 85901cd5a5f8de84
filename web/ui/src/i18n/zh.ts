// 页面的全部中文文本。键与 en.ts 完全一致，缺一个即编译错误。

import type { Messages } from './index';
import { zhAlerts } from './zh-alerts';

export const zh: Messages = {
  ...zhAlerts,

  'app.title': 'testzone · 实时态势',
  'app.skip': '跳到告警',
  'app.zone': '测试区',
  'app.demo': '演示',
  'app.demo.hint': '合成测试区，车辆均为模拟',
  'app.loadFailed': '无法加载测试区：{detail}',
  'app.retry': '重试',

  'signin.lead': '测试区运行管理',
  'signin.token': '访问令牌',
  'signin.hint': '粘贴服务器首次启动时打印的令牌，或管理员发给您的令牌。',
  'signin.submit': '登录并启用声音',
  'signin.busy': '正在登录…',
  'signin.bad': '令牌或登录名、密码不正确。',
  'signin.login': '登录名',
  'signin.password': '密码',
  'signin.provider': '使用 {name} 登录',
  'signin.byToken': '使用令牌登录',
  'signin.byPassword': '使用密码登录',
  'signin.rate': '尝试次数过多，请在 {seconds} 秒后重试。',
  'signin.network': '无法连接服务器。',
  'signin.error': '登录失败（{code}）。',
  'signin.expired': '会话已结束，请重新登录。',
  'signout': '退出登录',
  'desk.open': '车辆、账户与审计',

  'link.connecting': '正在连接',
  'link.live': '实时',
  'link.stale': '无数据',
  'link.waiting': '正在重连',
  'link.signed_out': '已退出',
  'link.refused': '被拒绝（{code}）',
  'link.rate': '已降低刷新率',
  'link.label': '连接状态：{state}',
  'link.age': '最近数据在 {age} 前',
  'banner.stopped': '实时数据已中断 {time}',
  'banner.detail': '当前显示的是最后已知状态，不是现状。',
  'health.degraded': '降级运行',
  'health.reasons': '服务器降级运行：{reasons}',

  'clock.zone': '测试区时间 {tz}；UTC {utc}',
  'theme.label': '配色主题',
  'theme.system': '主题：跟随系统',
  'theme.dark': '主题：深色',
  'theme.light': '主题：浅色',
  'lang.switch': 'English',
  'lang.label': '将语言切换为英语',
  'help.open': '按键与设置',
  'close': '关闭',
  'panel.show': '列表',

  'tabs.label': '列表',

  'col.name': '车辆',

  'class.uav': '无人机',
  'class.icv': '网联车',
  'class.usv': '无人艇',
  'class.unknown': '其他',
  'class.aircraft': '外部航空器',
  'class.vessel': '外部船舶',

  'unverified': '未验证',
  'unverified.hint': '来源未经认证：参与围栏检查，但不接受指令。',

  'card.loading': '正在加载…',
  'unknown': '未知',
  'none': '无',

  'fence.keep_out': '禁入',
  'fence.keep_in': '禁出',

  'map.label': '测试区地图',
  'map.layers': '图层',
  'map.zoomIn': '放大',
  'map.zoomOut': '缩小',
  'map.home': '全区视图',
  'map.noWebgl': '简化绘制：此浏览器不支持 WebGL2。',
  'map.overflow': '有 {n} 台车辆未绘出。',
  'map.following': '正在跟随 {name}',
  'map.isolated': '仅显示所选车辆',
  'map.filtered': '筛选隐藏了 {n} 台',

  'later.failed': '此部分页面加载失败，请重新载入页面。',
  'cancel': '取消',
  'fence.speed_limit': '限速',
};
