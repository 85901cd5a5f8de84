import { render } from 'preact';
import { installProbe } from './debug';
import { bindDocument } from './state/prefs';
import { resumeSession } from './state/session';
import { bindUrl } from './state/view';
import './styles/base.css';
import './styles/live.css';
import './styles/fences.css';
import './styles/accounts.css';
import './styles/orders.css';
import { App } from './ui/app';

bindUrl();
installProbe();
void bindDocument().then(() => render(<App />, document.getElementById('app')!));
void resumeSession();
