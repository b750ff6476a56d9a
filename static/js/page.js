// What every page does besides being read: menus that close, times in the reader's own zone.
import { closeMenus } from "./menu.js";
import { showLocalTimes } from "./times.js";

closeMenus(document);
showLocalTimes(document);
