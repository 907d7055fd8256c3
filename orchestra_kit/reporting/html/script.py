"""The little script of the report. The report is whole without it: it only opens, filters, zooms and follows links."""

from __future__ import annotations

import base64
import hashlib

SCRIPT = """
(function(){
"use strict";
var all=function(q,r){return Array.prototype.slice.call((r||document).querySelectorAll(q));};
var open=function(e){for(;e;e=e.parentElement){if(e.tagName==="DETAILS"){e.open=true;}}};
var follow=function(){var id=location.hash.slice(1);var e=id&&document.getElementById(id);
if(e){open(e);e.scrollIntoView();}};
addEventListener("hashchange",follow);follow();
all(".tools[hidden]").forEach(function(e){e.hidden=false;});
all("[data-open]").forEach(function(b){b.addEventListener("click",function(){
all("details.run,details.step").forEach(function(d){
if(b.dataset.open==="all"){d.open=true;}else if(b.dataset.open==="none"){d.open=false;}
else{d.open=/failed|unjudged/.test(d.className);}});});});
all("[data-zoom]").forEach(function(b){b.addEventListener("click",function(){
var f=document.getElementById(b.dataset.zoom);var on=!f.classList.contains(b.dataset.size);
f.classList.remove("fit","actual");f.classList.toggle(b.dataset.size,on);
all("[data-zoom]",b.parentElement).forEach(function(o){o.setAttribute("aria-pressed",String(on&&o===b));});});});
var show=function(f){var n=f.querySelector(".node.failed,.node.unjudged");
if(n&&f.scrollWidth>f.clientWidth){var a=n.getBoundingClientRect(),b=f.getBoundingClientRect();
if(a.right>b.right){f.scrollLeft+=a.left-b.left-f.clientWidth/2;}}};
all(".figure").forEach(show);
all("details").forEach(function(d){d.addEventListener("toggle",function(){all(".figure",d).forEach(show);});});
var word=document.getElementById("find"),kind=document.getElementById("kind");
var sift=function(){var w=word.value.toLowerCase(),k=kind.value;
all("[data-run]").forEach(function(e){
e.hidden=!!((w&&e.dataset.run.toLowerCase().indexOf(w)<0)||(k&&e.dataset.kind!==k));});};
if(word&&kind){word.addEventListener("input",sift);kind.addEventListener("change",sift);}
addEventListener("beforeprint",function(){all("details").forEach(function(d){d.open=true;});});
})();
"""


def script_hash() -> str:
    """Return the source expression by which a content security policy allows exactly this script."""
    digest = hashlib.sha256(SCRIPT.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
